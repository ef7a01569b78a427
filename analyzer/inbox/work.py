"""The analysis of waiting files, one after the other, each exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyzer.archive.job import FileJob, FileOutcome, JobStoppedError, run_job
from analyzer.inbox.detection_log import DetectionLog, csv_rows
from analyzer.inbox.entries import InboxCounts, InboxEntry
from analyzer.inbox.filing import put_away, sought, target_of
from analyzer.inbox.folder import WaitingFile, is_being_written
from analyzer.inbox.journal import InboxJournal
from tidzam.allocator import release_freed_memory
from tidzam.config.edge import EdgeSettings
from tidzam.edge_folders import EdgeFolders
from tidzam.errors import TidzamError
from tidzam.results import Detection
from tidzam.text import plural, shown

log = logging.getLogger(__name__)

LATER_AFTER: Final = 3
"""A file whose analysis was killed so often is analyzed after all others: it may be what kills the process."""
REJECTED_AFTER: Final = 6
"""A file whose analysis was killed so often is rejected."""

MakeJob = Callable[[WaitingFile], FileJob]


@dataclass(frozen=True)
class FinishedFile:
    """A file that was analyzed, and its outcome."""

    file: WaitingFile
    outcome: FileOutcome


class InboxWork:
    """Takes a file through the steps that `analyzer.inbox.journal` describes. One thread calls it, but for `stop`.

    `sinks` are the names of those that receive the detections.
    """

    def __init__(
        self, settings: EdgeSettings, journal: InboxJournal, make_job: MakeJob, *, sinks: Sequence[str] = ()
    ) -> None:
        self.folders = EdgeFolders(settings.folder)
        self._settings, self._journal, self._make_job, self._sinks = settings, journal, make_job, tuple(sinks)
        self._log = None if settings.csv is None else DetectionLog(settings.csv, journal)

    def recover(self) -> None:
        """Finish what a killed process had begun. Raises TidzamError."""
        for entry in self._journal.entries():
            log.info("%s was analyzed before: finishing it", shown(entry.name))
            self._finish(entry)

    def process(
        self,
        file: WaitingFile,
        *,
        advance: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> FinishedFile | None:
        """Analyze a file, and do all that follows from it.

        Returns None, having left the file as it was, if it was `stopped`, or the file is still being written, or was
        changed or removed meanwhile. Raises TidzamError if the results cannot be kept.
        """
        if is_being_written(file.path):
            return None
        killed = self._journal.begin(file)
        outcome = _killed(file.path, killed) if killed >= REJECTED_AFTER else self._analyze(file, advance, stopped)
        if outcome is None or not file.is_there:
            self._journal.cancel(file)
            return None
        entry = self._entry(file, outcome)
        self._journal.commit(entry, counts_of(outcome, self._settings), _dated(outcome), self._sinks)
        _report(file, outcome)
        self._finish(entry)
        return FinishedFile(file, outcome)

    def _analyze(
        self, file: WaitingFile, advance: Callable[[], None], stopped: Callable[[], bool]
    ) -> FileOutcome | None:
        def is_stopped() -> bool:  # called after every few windows
            advance()
            return stopped()

        try:
            return run_job(self._make_job(file), stopped=is_stopped)
        except JobStoppedError:
            return None
        finally:
            release_freed_memory()

    def _entry(self, file: WaitingFile, outcome: FileOutcome) -> InboxEntry:
        target = target_of(file, outcome, self._settings)
        name = Path(target).name if target else file.name
        detections = outcome.report.detections if outcome.report is not None and self._log is not None else ()
        rows = csv_rows({"file": name, **row} for row in detections)
        return InboxEntry(file.name, file.stamp, file.day, rows, target)

    def _finish(self, entry: InboxEntry) -> None:
        written = self._log.append(entry) if entry.rows and self._log is not None else None
        try:
            put_away(entry, self.folders)
        except OSError as error:
            raise TidzamError(
                f"{shown(self.folders.to_parse / entry.name)} cannot be moved or deleted: {error.strerror}.",
                hint="Check the permissions of the folder and the disk.",
                code="output",
            ) from None
        self._journal.finished(entry, written)


def counts_of(outcome: FileOutcome, settings: EdgeSettings) -> InboxCounts:
    """What the outcome of one file adds to the counts."""
    if outcome.report is None:
        return InboxCounts(rejected=1)
    found = len(sought(outcome, settings))
    return InboxCounts(1, int(found > 0), found, 0, outcome.report.duration_s)


def _dated(outcome: FileOutcome) -> tuple[Detection, ...]:
    """The detections for the sinks: none of a file without a date, which have no place in time."""
    return outcome.found if outcome.report is not None and outcome.report.start is not None else ()


def _killed(path: Path, times: int) -> FileOutcome:
    message = (
        f"{shown(path)}: its analysis was killed {plural(times, 'time')}. Memory ran out, or the decoder crashes on it."
    )
    return FileOutcome.failed("worker_died", message)


def _report(file: WaitingFile, outcome: FileOutcome) -> None:
    """Log what is worth knowing about a file."""
    if outcome.report is None:
        reason = outcome.failure.message if outcome.failure is not None else "unknown"
        log.error("%s is rejected: %s", shown(file.name), reason)
        return
    for name, windows in outcome.report.classifier_errors.items():
        log.error("%s: classifier %s failed on %s", shown(file.name), name, plural(windows, "window"))
    for name, count in outcome.report.sink_errors.items():
        log.error("%s: the sink %s failed %s and is incomplete", shown(file.name), name, plural(count, "time"))
    found = plural(len(outcome.found), "detection")
    log.info("%s: %.1f s of audio, %s", shown(file.name), outcome.report.duration_s, found)
