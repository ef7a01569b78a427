"""What a person at the terminal sees and hears of a file: progress, and the sound itself."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from analyzer.file_report import clock
from tidzam.audio.devices import has_audio_device
from tidzam.text import shown

log = logging.getLogger(__name__)


REPORT_S: Final = 5.0
"""Seconds between lines of progress."""


@contextmanager
def progress(console: Console, name: str, total_s: float | None) -> Iterator[Callable[[float], None]]:
    """Shows how far a file was analyzed, and how much faster than real time; call the result with the second reached.

    On a terminal it is a bar; elsewhere, a line every few seconds.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        yield progress_lines(shown(name), total_s, write=lambda line: print(line, file=sys.stderr, flush=True))
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]:.0f} × real time"),  # noqa: RUF001  the sign is meant
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console) as bar:
        started = time.monotonic()
        task = bar.add_task(shown(name), total=total_s, speed=0.0)

        def advance_to(reached_s: float) -> None:
            bar.update(task, completed=reached_s, speed=reached_s / (time.monotonic() - started))

        yield advance_to


def progress_lines(
    name: str,
    total_s: float | None,
    *,
    write: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
) -> Callable[[float], None]:
    """Writes a line with the second that was reached, at most every REPORT_S."""
    started = last = now()

    def advance_to(reached_s: float) -> None:
        nonlocal last
        moment = now()
        if moment - last >= REPORT_S:
            last = moment
            known = total_s is not None and reached_s <= total_s
            share = f" of {clock(total_s)}, {100 * reached_s / total_s:.0f} %" if total_s and known else ""
            write(f"{name}: {clock(reached_s)}{share}, {reached_s / (moment - started):.0f} times real time")

    return advance_to


def play(path: Path) -> None:
    """Play a file through mpv, and wait until it is over; say why not, if there is nothing to play it with or on."""
    if shutil.which("mpv") is None:
        log.warning("%s is not played: mpv is not installed. Run `tidzam install`", shown(path))
    elif not has_audio_device():
        log.warning("%s is not played: this machine has no audio device", shown(path))
    else:
        argv = ["mpv", "--no-config", "--no-video", "--really-quiet", "--", str(path)]
        if subprocess.run(argv, stdin=subprocess.DEVNULL, check=False).returncode:
            log.warning("mpv could not play %s", shown(path))
