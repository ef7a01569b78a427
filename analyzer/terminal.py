"""What a person at the terminal sees and hears of a file: progress, and the sound itself."""

from __future__ import annotations

import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from tidzam.audio.devices import has_audio_device

log = logging.getLogger(__name__)


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


def play(path: Path) -> None:
    """Play a file through mpv, and wait until it is over; say why not, if there is nothing to play it with or on."""
    if shutil.which("mpv") is None:
        log.warning("%s is not played: mpv is not installed. Run `tidzam install`", path)
    elif not has_audio_device():
        log.warning("%s is not played: this machine has no audio device", path)
    else:
        argv = ["mpv", "--no-config", "--no-video", "--really-quiet", "--", str(path)]
        if subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode:
            log.warning("mpv could not play %s", path)
