"""Reports of recordings to the store: what is known of a file, and which files are reported at the start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stream_manager.recorder.loudness import Loudness
from stream_manager.recordings import reports
from stream_manager.recordings.deletions import DeletionCounts
from stream_manager.recordings.reports import RecordingReports, newest_files, recording_record
from tests.support.store_reports import CollectingReporter
from tidzam.segments import Segment, SegmentIndex
from tidzam.store.records import AuditRecord, RecordingRecord, RemovedRecordingsRecord

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def record(folder: Path, minute: int = 30, *, source: str = "pond", prefix: str = "") -> Path:
    """A recording of 2 s with three channels."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{prefix}{source}-2026-05-01-06-{minute}-00.wav"
    soundfile.write(path, np.zeros((16000, 3)), 8000)
    return path


def test_a_recording_is_known_with_its_time_and_length(tmp_path: Path) -> None:
    path = record(tmp_path)
    assert recording_record(path, node="garden", loudness=Loudness(0.25, b"\x01\x02\x03")) == RecordingRecord(
        node="garden",
        source="pond",
        path=str(path),
        start=START,
        end=START + timedelta(seconds=2),
        channels=3,
        bytes=path.stat().st_size,
        max_amp=0.25,
        section_peaks=b"\x01\x02\x03",
    )


def test_the_peak_of_a_segment_is_that_of_its_index(tmp_path: Path) -> None:
    path = record(tmp_path / "2026-05-01")
    SegmentIndex(tmp_path).add(Segment("pond", START, 0.75, str(path.relative_to(tmp_path))))
    found = recording_record(path, node="garden", segments_in=tmp_path)
    assert found is not None
    assert (found.max_amp, found.is_segment) == (0.75, True)


@pytest.mark.parametrize("name", ["pond-2026-05-01-06-30-00.wav", "notes.wav"])
def test_a_file_that_is_gone_or_no_recording_is_left_out(tmp_path: Path, name: str) -> None:
    if name == "notes.wav":
        record(tmp_path).rename(tmp_path / name)
    assert recording_record(tmp_path / name, node="garden") is None


def test_the_newest_files_of_a_source_are_found_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "_NEWEST", 2)
    record(tmp_path, 10)
    wanted = [record(tmp_path / "2026-05-01", 11), record(tmp_path, 12)]
    record(tmp_path, 13, source="lake")
    record(tmp_path, 14, prefix=".")
    assert newest_files("pond", tmp_path) == wanted


def test_a_folder_that_does_not_exist_has_no_files(tmp_path: Path) -> None:
    assert newest_files("pond", tmp_path / "none") == []


def test_deleted_files_are_reported_by_their_paths(tmp_path: Path) -> None:
    reporter = CollectingReporter(tmp_path)
    reports = RecordingReports(reporter, DeletionCounts())
    reports.deleted("pond", [tmp_path / "a.wav"])
    reports.deleted("pond", [])
    removed = RemovedRecordingsRecord(node="garden", source="pond", paths=(str(tmp_path / "a.wav"),))
    assert reporter.records == [removed]


def test_the_deleted_files_of_a_day_are_one_entry_of_the_audit_log(tmp_path: Path) -> None:
    reporter, counts = CollectingReporter(tmp_path), DeletionCounts()
    counts.add("pond", 3, day=START.date())
    reports = RecordingReports(reporter, counts)
    reports.end_days()
    reports.end_days()
    (row,) = reporter.records
    assert isinstance(row, AuditRecord)
    assert (row.actor, row.action, row.subject) == ("retention", "recordings.removed", "pond")
    assert row.detail == {"day": "2026-05-01", "files": "3"}


def test_the_deleted_files_of_today_are_not_in_the_audit_log_yet(tmp_path: Path) -> None:
    reporter = CollectingReporter(tmp_path)
    reports = RecordingReports(reporter, DeletionCounts())
    reports.deleted("pond", [tmp_path / "a.wav"])
    reports.end_days()
    assert not any(isinstance(one, AuditRecord) for one in reporter.records)
