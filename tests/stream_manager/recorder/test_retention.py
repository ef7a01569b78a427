"""Which recordings are deleted."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.recorder.retention import RecordedFile, recording_of, to_delete
from stream_manager.recorder.retention_run import delete_old
from tidzam.config.recording import KeepSettings, RecordSettings
from tidzam.naming import recording_stem
from tidzam.segments import Segment, SegmentIndex

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GB = 1_000_000_000


def recording(hours_ago: float, size: int = GB) -> RecordedFile:
    start = NOW - hours_ago * HOUR
    return RecordedFile(Path(f"{recording_stem('pond', start)}.flac"), start, start + HOUR, size)


def deleted(files: list[RecordedFile], *, free: int = 1000 * GB, **keep: Any) -> list[RecordedFile]:
    return [one.file for one in to_delete(files, KeepSettings(**keep), now=NOW, free_bytes=free)]


FILES = [recording(hours) for hours in (5, 4, 3, 2, 1)]


def test_without_limits_nothing_is_deleted() -> None:
    assert deleted(FILES, free=0) == []


def test_recordings_go_some_days_after_their_end() -> None:
    assert deleted(FILES, days=2.5 / 24) == FILES[:2]


def test_the_oldest_recordings_go_until_the_others_fit() -> None:
    assert deleted(list(reversed(FILES)), max_gb=3) == FILES[:2]
    assert deleted(FILES, max_gb=5) == []


def test_recordings_go_until_enough_is_free() -> None:
    assert deleted(FILES, free=GB, min_free_gb=3.5) == FILES[:3]
    assert deleted(FILES, free=GB, min_free_gb=100) == FILES


def test_each_deletion_has_its_reason() -> None:
    (one,) = to_delete(FILES[:1], KeepSettings(max_gb=0.5), now=NOW, free_bytes=0)
    assert one.reason == "the recordings have more than keep.max_gb, 0.5 GB"


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 3 * GB)), max_size=20),
    st.floats(0.1, 50),
    st.none() | st.floats(0.1, 10),
    st.none() | st.floats(0.1, 10),
    st.integers(0, 20 * GB),
)
def test_the_limits_hold_afterwards_and_the_newest_remain(
    sizes: list[tuple[int, int]], days: float, max_gb: float | None, min_free_gb: float | None, free: int
) -> None:
    files = [recording(hours, size) for hours, size in sizes]
    gone = deleted(files, free=free, days=days, max_gb=max_gb, min_free_gb=min_free_gb)
    left = [file for file in files if file not in gone]
    assert all(file.end >= NOW - timedelta(days=days) for file in left)
    assert not (gone and left) or max(file.start for file in gone) <= min(file.start for file in left)
    if left and max_gb is not None:
        assert sum(file.bytes for file in left) <= max_gb * GB
    if left and min_free_gb is not None:
        assert free + sum(file.bytes for file in set(gone)) >= min_free_gb * GB or len(set(files)) < len(files)


@pytest.mark.parametrize(
    "name",
    [
        "lake-2026-05-01-06-30-00.flac",
        "pond-2026-05-01.flac",
        ".pond-2026-05-01-06-30-00.flac.part",
        ".pond-2026-05-01-06-30-00.flac",
        "pond-2026-05-01-06-30-00.txt",
        "pond-out_0-2026-05-01-06-30-00.wav",
        "pond-2026-13-01-06-30-00.flac",
    ],
)
def test_a_foreign_name_is_no_recording_of_the_source(name: str) -> None:
    assert recording_of(name, "pond") is None


def test_only_recordings_of_the_source_are_deleted(tmp_path: Path) -> None:
    names = ["pond-2026-05-01-06-30-00.flac", "lake-2026-05-01-06-30-00.flac", ".pond-2026-05-01-06-40-00.flac.part"]
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 1000)
        os.utime(tmp_path / name, (0, 0))
    settings = RecordSettings(path=tmp_path, keep=KeepSettings(days=1))
    assert [one.file.path.name for one in delete_old("pond", settings)] == names[:1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def test_the_rows_and_the_days_of_deleted_segments_go_with_them(tmp_path: Path) -> None:
    index = SegmentIndex(tmp_path)
    for day in ("2026-05-01", "2026-05-02"):
        path = tmp_path / day / f"pond-{day}-06-30-00.flac"
        path.parent.mkdir()
        path.write_bytes(b"x" * 1000)
        index.add(Segment("pond", NOW, 0.5, str(path.relative_to(tmp_path))))
    delete_old("pond", RecordSettings(path=tmp_path, keep=KeepSettings(max_gb=1.5e-6)))
    assert [segment.filepath for segment in index.find()] == ["2026-05-02/pond-2026-05-02-06-30-00.flac"]
    assert not (tmp_path / "2026-05-01").exists()


def test_without_limits_no_folder_is_read(tmp_path: Path) -> None:
    assert delete_old("pond", RecordSettings(path=tmp_path / "missing")) == ()
