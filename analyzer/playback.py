"""Playing a file on this machine."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from analyzer.picture import PictureFile
from tidzam.audio.devices import has_audio_device
from tidzam.text import shown

log = logging.getLogger(__name__)

_FRAMES_PER_S: Final = 15


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


def play_in_window(path: Path, picture: PictureFile) -> None:
    """Play a file with mpv, with its picture in a window and a line at the position; wait until the window is closed.

    Where there is no audio device, the line moves in silence. The reason is logged if that is not possible.
    """
    if shutil.which("mpv") is None:
        log.warning("%s is not played: mpv is not installed. Run `tidzam install`", shown(path))
        return
    silent = not has_audio_device()
    if silent:
        log.warning("%s is shown without sound: this machine has no audio device", shown(path))
    if subprocess.run(window_argv(path, picture, silent=silent), stdin=subprocess.DEVNULL, check=False).returncode:
        log.warning("mpv could not show %s", shown(path))


def window_argv(path: Path, picture: PictureFile, *, silent: bool) -> Sequence[str]:
    """The command that shows a picture with a moving line, while a file is played."""
    duration_s, rate = max(picture.duration_s, 0.1), _FRAMES_PER_S
    position = f"W*({picture.left:.6f}+{picture.right - picture.left:.6f}*t/{duration_s:.6f})"
    graph = (
        f"[vid1]loop=loop=-1:size=1:start=0,fps={rate}[picture];color=c=white:s=3x4000:r={rate}[line];"
        f"[picture][line]overlay=x='{position}':y=0[vo]"
    )
    return (
        *("mpv", "--no-config", "--really-quiet", "--image-display-duration=inf"),
        *(["--ao=null"] if silent else []),
        *(f"--length={duration_s:.6f}", f"--audio-files-append={path.absolute()}", "--aid=1"),
        *(f"--lavfi-complex={graph}", "--", str(picture.path)),
    )
