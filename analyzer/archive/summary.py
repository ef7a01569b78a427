"""What was found in an archive: counts for people, and an object per file for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table

from analyzer.archive.inputs import ArchiveFile
from analyzer.archive.job import FileOutcome
from analyzer.files.report import clock
from tidzam.text import plural, shown

_PIPE_WIDTH: Final = 160


@dataclass
class ClassSummary:
    """The detections of a class: their number, their duration, and the number of files with one."""

    path: str
    detections: int = 0
    duration_s: float = 0.0
    files: int = 0


@dataclass
class ArchiveSummary:
    """Counts over the files of an archive: those `analyzed`, those that need not be analyzed again (`final`), those
    without any fault (`complete`), seconds of audio, and detections by class."""

    files: int = 0
    analyzed: int = 0
    final: int = 0
    complete: int = 0
    audio_s: float = 0.0
    undated: int = 0
    classes: dict[str, ClassSummary] = field(default_factory=dict)

    @classmethod
    def of(cls, outcomes: Iterable[FileOutcome | None]) -> ArchiveSummary:
        """None is a file that was not analyzed yet."""
        summary = cls()
        for outcome in outcomes:
            summary.files += 1
            if outcome is not None and outcome.report is not None:
                summary._add(outcome)
        return summary

    def _add(self, outcome: FileOutcome) -> None:
        assert outcome.report is not None
        self.analyzed += 1
        self.final += outcome.is_final
        self.complete += outcome.is_complete
        self.audio_s += outcome.report.duration_s
        self.undated += outcome.report.start is None
        seen = set[str]()
        for row in outcome.report.detections:
            found = self.classes.setdefault(row["path"], ClassSummary(row["path"]))
            found.detections += 1
            found.duration_s += row["end_s"] - row["start_s"]
            seen.add(row["path"])
        for path in seen:
            self.classes[path].files += 1


def print_summary(summary: ArchiveSummary) -> None:
    """Print it on stdout."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    detections = sum(found.detections for found in summary.classes.values())
    of = "" if summary.analyzed == summary.files else f" of {summary.files:,}"
    undated = f", {plural(summary.undated, 'file')} without a date" if summary.undated else ""
    facts = f"{plural(summary.analyzed, 'file')}{of} analyzed, {clock(summary.audio_s)} of audio{undated}"
    console.print(f"{facts}, {plural(detections, 'detection')}.", markup=False)
    if summary.classes:
        console.print(_table(summary))


def _table(summary: ArchiveSummary) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class")
    for name in ("detections", "duration", "files"):
        table.add_column(name, justify="right")
    for found in sorted(summary.classes.values(), key=lambda one: (-one.detections, one.path)):
        counts = (f"{found.detections:,}", clock(found.duration_s), f"{found.files:,}")
        table.add_row(shown(found.path), *counts)
    return table


def print_json(outcomes: Iterable[tuple[ArchiveFile, FileOutcome | None]]) -> None:
    """Print an object per file and line on stdout: its report, or its error. Files not analyzed yet are left out."""
    for file, outcome in outcomes:
        if outcome is None:
            continue
        values: dict[str, Any] = {"file": str(file.path)}
        if outcome.report is not None:
            values = outcome.report.summary()
        elif outcome.failure is not None:
            values["error"] = {"code": outcome.failure.code, "message": outcome.failure.message}
        typer.echo(json.dumps(values))
