"""Reports of recordings to the store: which files are complete, and which were deleted."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from stream_manager.recorder.folder import recording_files
from stream_manager.recorder.loudness import Loudness
from stream_manager.recordings.deletions import DeletionCounts
from tidzam.accounts.audit import RETENTION, AuditAction
from tidzam.accounts.client_audit import audit_record
from tidzam.audio.file_length import file_length
from tidzam.naming import parse_clip_name
from tidzam.segments import INDEX_NAME, SegmentIndex
from tidzam.store.records import RecordingRecord, RemovedRecordingsRecord
from tidzam.store.reporter import StoreReporter

UNKNOWN: Final = Loudness()
_NEWEST: Final = 20
"""Files of a source that are reported again at the start: the last ones before a crash may not have been."""


class RecordingReports:
    """Reports recordings by `reporter`. Its methods may be called in any thread.

    `deletions` counts the deleted files of a day, so that the audit log has one entry per source and day.
    """

    def __init__(self, reporter: StoreReporter, deletions: DeletionCounts) -> None:
        self._reporter, self._deletions = reporter, deletions

    def complete(self, path: Path, *, loudness: Loudness = UNKNOWN, segments_in: Path | None = None) -> None:
        """A file is complete. `segments_in` is the folder of the index of segments, if it is one. Returns at once."""
        node = self._reporter.node
        self._reporter.add_made(lambda: recording_record(path, node=node, loudness=loudness, segments_in=segments_in))

    def deleted(self, source: str, paths: Iterable[Path]) -> None:
        """Retention has deleted files of a source. Writes to the disk."""
        if gone := tuple(map(str, paths)):
            self._reporter.add(RemovedRecordingsRecord(node=self._reporter.node, source=source, paths=gone))
            self._deletions.add(source, len(gone), day=datetime.now(UTC).date())

    def end_days(self) -> None:
        """Report what retention has deleted on earlier days (UTC) for the audit log. May write to the disk."""
        node, action = self._reporter.node, AuditAction.RECORDINGS_REMOVED
        for key, files in self._deletions.take_before(datetime.now(UTC).date()).items():
            detail = {"day": key.day.isoformat(), "files": str(files)}
            self._reporter.add(audit_record(node, RETENTION, action, key.source, **detail))

    def newest(self, source: str, folder: Path, *, are_segments: bool) -> None:
        """The newest files of a source in a folder are reported, perhaps again. May take long."""
        for path in newest_files(source, folder):
            self.complete(path, segments_in=folder if are_segments else None)


def newest_files(source: str, folder: Path) -> list[Path]:
    """The newest complete recordings of a source, oldest first; none if there is no folder."""
    if not folder.is_dir():
        return []
    found = []
    with suppress(OSError):
        for entry in recording_files(folder):
            name = None if entry.name.startswith(".") else parse_clip_name(Path(entry.name))
            if name is not None and name.source == source:
                found.append((name.time, entry.path))
    return [Path(path) for _, path in sorted(heapq.nlargest(_NEWEST, found))]


def recording_record(
    path: Path, *, node: str, loudness: Loudness = UNKNOWN, segments_in: Path | None = None
) -> RecordingRecord | None:
    """What the store keeps of a file; None if it is gone, or is no recording."""
    name, length = parse_clip_name(path), file_length(path)
    if name is None or length is None:
        return None
    max_amp = loudness.max_amp
    if max_amp is None and segments_in is not None:
        max_amp = _peak_in_index(path, segments_in)
    return RecordingRecord(
        node=node,
        source=name.source,
        path=str(path),
        start=name.time,
        end=name.time + timedelta(seconds=length.length_s),
        channels=length.channels,
        bytes=path.stat().st_size,
        max_amp=max_amp,
        is_segment=segments_in is not None,
        section_peaks=loudness.section_peaks,
    )


def _peak_in_index(path: Path, folder: Path) -> float | None:
    """The peak of a segment by the index in `folder`; None if it is not there."""
    name = parse_clip_name(path)
    if name is None or not (folder / INDEX_NAME).is_file():
        return None
    filepath = str(path.relative_to(folder))
    with suppress(sqlite3.Error):
        near = SegmentIndex(folder).find(name.source, since=name.time, until=name.time + timedelta(seconds=1))
        return next((segment.max_amp for segment in near if segment.filepath == filepath), None)
    return None
