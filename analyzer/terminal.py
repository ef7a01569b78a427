"""What a person at the terminal sees and hears of a file: progress, spectrograms, and the sound itself."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from rich.color import Color
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.style import Style
from rich.text import Text

from tidzam.audio.features import Float32

log = logging.getLogger(__name__)

_RANGE_DB: Final = 60.0
_COLOURS: Final = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)])
"""From the floor to the peak, evenly spaced."""


@contextmanager
def progress_bar(console: Console, name: str, total_s: float | None) -> Iterator[Callable[[float], None]]:
    """A bar that moves to the second it is told, with the speed as a multiple of real time; none if no terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]:.0f} × real time"),  # noqa: RUF001  the sign is meant
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        started = time.monotonic()
        task = bar.add_task(name, total=total_s, speed=0.0)

        def advance_to(reached_s: float) -> None:
            bar.update(task, completed=reached_s, speed=reached_s / (time.monotonic() - started))

        yield advance_to


def spectrogram(features: Float32) -> Text:
    """Features (frames, mels) in dB as coloured half-blocks: time to the right, frequency upwards, 60 dB deep."""
    floor = features.max() - _RANGE_DB
    depth = np.clip((features - floor) / _RANGE_DB, 0, 1)
    stops = np.linspace(0, 1, len(_COLOURS))
    rgb = np.stack([np.interp(depth, stops, _COLOURS[:, part]) for part in range(3)], axis=-1).round().astype(int)
    image = rgb[:, : features.shape[1] // 2 * 2].swapaxes(0, 1)[::-1]
    lines = [
        Text.assemble(*(("▀", _style(top, bottom)) for top, bottom in zip(image[row], image[row + 1], strict=True)))
        for row in range(0, len(image), 2)
    ]
    return Text("\n").join(lines)


def _style(top: Float32, bottom: Float32) -> Style:
    return Style(color=Color.from_rgb(*top.tolist()), bgcolor=Color.from_rgb(*bottom.tolist()))


def play(path: Path) -> None:
    """Play a file through mpv, and wait until it is over; say why not, if there is nothing to play it with or on."""
    if shutil.which("mpv") is None:
        log.warning("%s is not played: mpv is not installed. Run `tidzam install`", path)
    elif not _has_audio_device():
        log.warning("%s is not played: this machine has no audio device", path)
    else:
        argv = ["mpv", "--no-config", "--no-video", "--really-quiet", "--", str(path)]
        if subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode:
            log.warning("mpv could not play %s", path)


def _has_audio_device() -> bool:
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"))
    servers = (runtime / "pulse" / "native", runtime / "pipewire-0")
    cards = Path("/dev/snd").glob("pcm*p")
    return "PULSE_SERVER" in os.environ or any(server.exists() for server in servers) or any(cards)
