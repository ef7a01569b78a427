"""How a training is followed in a terminal: a bar that moves with every step, or a line for each tenth of the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trainer.loop import StepReport

LINE_STEP = 1000

console = Console(stderr=True)


def say(line: str, *, style: str | None = None) -> None:
    console.print(line, style=style, highlight=False, markup=False, soft_wrap=True)


class ProgressDisplay:
    """Shows each report; `total` is known when the first one comes."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._tested = progress, "…"
        self._task = progress.add_task("training", total=None, visible=False)

    def watch(self, report: StepReport) -> None:
        if report.test_loss is not None:
            self._tested = f"{report.test_loss:.3f}"
        if console.is_terminal:
            words = f"loss {report.loss:.3f}, validation {self._tested}, {report.examples_per_s:,.0f} examples/s"
            self._progress.update(
                self._task, completed=report.step, total=report.of or None, description=words, visible=True
            )
        elif report.step % (report.of // 10 or LINE_STEP) == 0:
            say(f"step {report.step:,}: loss {report.loss:.3f}, validation {self._tested}")


@contextmanager
def show_progress() -> Iterator[ProgressDisplay]:
    """A follower, as long as a training goes on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield ProgressDisplay(progress)
