"""Playing a file on this machine."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from pathlib import Path

from tidzam.audio.devices import has_audio_device
from tidzam.text import shown

log = logging.getLogger(__name__)


def play(path: Path) -> None:
    """Play a file with mpv, and wait for its end; log the reason if that is not possible."""
    if shutil.which("mpv") is None:
        log.warning("%s is not played: mpv is not installed. Run `tidzam install`", shown(path))
    elif not has_audio_device():
        log.warning("%s is not played: this machine has no audio device", shown(path))
    else:
        argv = ["mpv", "--no-config", "--no-video", "--really-quiet", "--", str(path)]
        if subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode:
            log.warning("mpv could not play %s", shown(path))


def has_display() -> bool:
    """Whether windows can be opened here."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
