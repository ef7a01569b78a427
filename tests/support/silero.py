"""Silero VAD for the tests: its package (11 MB) is fetched once from the registry into `build/`, and kept there.

Tests that need it fail where it cannot be fetched. With TIDZAM_OFFLINE=1 in the environment they are skipped.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from unittest import SkipTest

from tests.support.birdnet import OFFLINE, ROOT
from tidzam.models.silero import add_silero
from tidzam.paths import DETECTORS
from tidzam.speech.silero import model_file

HOME = ROOT / "build" / "silero"
"""A home whose folder of detectors holds it."""


def silero_home() -> Path:
    """A home in which it is installed, on first use as `tidzam models add silero-vad` does it."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test runs may begin at the same time
        if not model_file(HOME).is_file():
            if os.environ.get(OFFLINE):
                raise SkipTest(f"Silero VAD is not in {HOME}, and {OFFLINE} forbids to fetch it")
            add_silero(HOME / DETECTORS)
    return HOME
