"""The progress of an archive's analysis: one bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from analyzer.files.progress_display import REPORT_S, analysis_bar
from tidzam.text import printable


@dataclass(frozen=True)
class ArchiveProgress:
    """How far an analysis is: files finished in this run and found, the share of all bytes, 0 to 1, and seconds of
    audio that were analyzed in this run."""

    finished: int
    files: int
    share: float
    audio_s: float


class ArchiveDisplay(Protocol):
    """Shows progress, and messages above it."""

    def show(self, progress: ArchiveProgress) -> None: ...

    def say(self, message: str) -> None: ...


@contextmanager
def archive_display() -> Iterator[ArchiveDisplay]:
    """The display that suits stderr."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield LineDisplay(write=lambda line: print(line, file=sys.stderr, flush=True))
        return
    with analysis_bar(console) as bar:
        yield _BarDisplay(bar)


class _BarDisplay:
    def __init__(self, bar: Progress) -> None:
        self._bar, self._began = bar, time.monotonic()
        self._task = bar.add_task("", total=1.0, speed=0.0)

    def show(self, progress: ArchiveProgress) -> None:
        speed = progress.audio_s / max(1e-3, time.monotonic() - self._began)
        files = f"{progress.finished} of {progress.files} files"
        self._bar.update(self._task, completed=progress.share, description=files, speed=speed)

    def say(self, message: str) -> None:
        self._bar.console.print(Text(f"analyzer: {printable(message)}"))


class LineDisplay:
    """A line of progress at most every REPORT_S, by the clock `now`."""

    def __init__(self, *, write: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._write, self._now = write, now
        self._began = self._last = now()

    def show(self, progress: ArchiveProgress) -> None:
        time_s = self._now()
        if time_s - self._last < REPORT_S:
            return
        self._last = time_s
        speed = progress.audio_s / (time_s - self._began)
        self._write(
            f"{progress.finished} of {progress.files} files, {100 * progress.share:.0f} %, {speed:.0f} times real time"
        )

    def say(self, message: str) -> None:
        self._write(f"analyzer: {printable(message)}")
