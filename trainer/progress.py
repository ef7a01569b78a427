"""The progress of a training: in a terminal a bar, without one a line for each tenth, or reports for a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tidzam.jobs.reports import ReportWriter
from tidzam.terminal import ProgressBar, progress_bar, say
from trainer.loop import StepReport

LINE_STEP = 1000
"""Steps between lines while the length of the training is unknown."""


class ProgressDisplay:
    """Displays the report of each step."""

    def __init__(self, bar: ProgressBar) -> None:
        self._bar, self._validation = bar, "…"

    def watch(self, report: StepReport) -> None:
        if report.test_loss is not None:
            self._validation = f"{report.test_loss:.3f}"
        if self._bar.visible:
            self._bar.describe(
                f"loss {report.loss:.3f}, validation {self._validation}, {report.examples_per_s:,.0f} examples/s"
            )
            self._bar(report.step, report.of)
        elif report.step % (report.of // 10 or LINE_STEP) == 0:
            say(f"step {report.step:,}: loss {report.loss:.3f}, validation {self._validation}")


def report_progress(writer: ReportWriter) -> Callable[[StepReport], None]:
    """Reports steps to a program, at most each hundredth of the training."""
    validation = "…"

    def watch(report: StepReport) -> None:
        nonlocal validation
        if report.test_loss is not None:
            validation = f"{report.test_loss:.3f}"
        if report.step % max(1, report.of // 100) == 0 or report.step == 1:
            share = report.step / report.of if report.of else None
            message = f"step {report.step:,}: loss {report.loss:.3f}, validation {validation}"
            writer.progress(share, message)

    return watch


@contextmanager
def show_progress() -> Iterator[ProgressDisplay]:
    """A display for as long as the context is open."""
    with progress_bar("training", unit="steps") as bar:
        yield ProgressDisplay(bar)
