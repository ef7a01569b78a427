"""The progress of a file analysis, as a bar on a terminal and as lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from analyzer.files.report import clock
from tidzam.text import shown

REPORT_S: Final = 5.0
"""Seconds between lines of progress."""


@contextmanager
def progress(console: Console, name: str, total_s: float | None) -> Iterator[Callable[[float], None]]:
    """Show the position reached in a file, and the speed relative to real time; call the result with the position.

    On a terminal it is a bar; elsewhere, a line every few seconds.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        yield progress_lines(shown(name), total_s, write=lambda line: print(line, file=sys.stderr, flush=True))
        return
    with analysis_bar(console) as bar:
        started = time.monotonic()
        task = bar.add_task(shown(name), total=total_s, speed=0.0)

        def advance_to(reached_s: float) -> None:
            bar.update(task, completed=reached_s, speed=reached_s / (time.monotonic() - started))

        yield advance_to


def analysis_bar(console: Console) -> Progress:
    """A bar whose tasks have a description and a field `speed`, relative to real time."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]:.0f} × real time"),  # noqa: RUF001  the sign is meant
        TimeRemainingColumn(compact=True),
        console=console,
    )


def progress_lines(
    name: str,
    total_s: float | None,
    *,
    write: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
) -> Callable[[float], None]:
    """Write a line with the position reached, in seconds, at most every REPORT_S."""
    started = last = now()

    def advance_to(reached_s: float) -> None:
        nonlocal last
        time_s = now()
        if time_s - last >= REPORT_S:
            last = time_s
            known = total_s is not None and reached_s <= total_s
            share = f" of {clock(total_s)}, {100 * reached_s / total_s:.0f} %" if total_s and known else ""
            write(f"{name}: {clock(reached_s)}{share}, {reached_s / (time_s - started):.0f} times real time")

    return advance_to
