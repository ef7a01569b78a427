"""Which recordings are deleted."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.outputs.recorder import RecorderOutput
from stream_manager.recorder.retention_run import Retention
from tests.support.eventually import eventually_async
from tests.support.gap_clock import SetClock
from tests.support.services import services, source_settings
from tidzam.clocks import Moment
from tidzam.config.recording import KeepSettings, RecordSettings
from tidzam.keep_marks import mark_of
from tidzam.naming import recording_stem
from tidzam.recording_retention import RecordedFile, doubts, recording_of, to_delete
from tidzam.segments import Segment, SegmentIndex

NOW = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GB = 1_000_000_000


DAY_S = 86_400


def recording(hours_ago: float, size: int = GB, *, ahead: timedelta = timedelta(0)) -> RecordedFile:
    """One of an hour; the clock was `ahead` when it was made."""
    start = NOW - hours_ago * HOUR + ahead
    path = Path(f"{recording_stem('pond', start)}.flac")
    return RecordedFile(path, start, start + HOUR, size, age_s=(hours_ago - 1) * 3600)


def deleted(files: list[RecordedFile], *, free: int = 1000 * GB, **keep: Any) -> list[RecordedFile]:
    return [one.file for one in to_delete(files, KeepSettings(**keep), free_bytes=free)]


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


def test_kept_recordings_stay_and_others_go_in_their_place() -> None:
    files = [replace(FILES[0], is_kept=True), *FILES[1:]]
    assert deleted(files, max_gb=3) == FILES[1:3]
    assert deleted(files, days=0.01) == FILES[1:4]


def test_a_recording_with_a_mark_beside_it_stays(tmp_path: Path) -> None:
    names = [f"{recording_stem('pond', NOW + n * HOUR)}.flac" for n in range(3)]
    for name in names:
        (tmp_path / name).write_bytes(bytes(1000))
    (tmp_path / f"{names[0]}.keep").touch()
    settings = RecordSettings(path=tmp_path, keep=KeepSettings(max_gb=1e-6))
    Retention("pond", settings).apply()
    assert sorted(path.name for path in tmp_path.glob("*.flac")) == names[:1]


def test_each_deletion_has_its_reason() -> None:
    (one,) = to_delete(FILES[:1], KeepSettings(max_gb=0.5), free_bytes=0)
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
    assert all(file.age_s <= days * DAY_S for file in left)
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


def test_a_recording_whose_date_is_too_early_is_kept_for_as_long_as_any_other() -> None:
    early = recording(2, ahead=timedelta(days=-400))
    assert deleted([early, recording(1)], days=30) == []
    assert "1 recording is older than keep.days, 30" in (doubts([early], KeepSettings(days=30), now=NOW) or "")


def test_a_recording_whose_date_lies_in_the_future_goes_in_its_turn() -> None:
    files = [recording(5), recording(4, ahead=timedelta(days=400)), recording(3), recording(2)]
    assert deleted(files, max_gb=2) == files[:2]
    assert deleted(files, days=2.5 / 24) == files[:2]


def test_recordings_dated_after_the_present_are_reported() -> None:
    future = [recording(hours, ahead=timedelta(days=400)) for hours in (2, 1)]
    assert (doubts(future, KeepSettings(max_gb=9), now=NOW) or "").startswith("2 recordings are dated after")


def test_plausible_dates_are_not_reported() -> None:
    assert doubts(FILES, KeepSettings(days=30), now=NOW) is None


def recorded(folder: Path, clock: SetClock, seconds: float = 600) -> str:
    """Let a recording be made, with the date that the clock shows."""
    name = f"{recording_stem('pond', clock.utc)}.flac"
    clock.pass_s(seconds)
    (folder / name).write_bytes(b"x" * 1000)
    os.utime(folder / name, (clock.utc.timestamp(),) * 2)
    return name


def gone(retention: Retention) -> list[str]:
    return [one.file.path.name for one in retention.apply().deletions]


def retention_of(folder: Path, clock: SetClock, **keep: Any) -> Retention:
    return Retention("pond", RecordSettings(path=folder, keep=KeepSettings(**keep)), clock=clock)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_that_jumps_ahead_makes_nothing_older(tmp_path: Path, *, restarted: bool) -> None:
    clock = SetClock()
    retention = retention_of(tmp_path, clock, days=30)
    names = []
    for _ in range(20):
        names.append(recorded(tmp_path, clock, DAY_S))
        assert gone(retention) == []
    clock.set_by(400 * DAY_S)
    if restarted:
        retention = retention_of(tmp_path, clock, days=30)
    result = retention.apply()
    assert not result.deletions
    assert "20 recordings are older than keep.days, 30" in (result.doubts or "")
    clock.set_by(-400 * DAY_S)
    clock.pass_s(12.5 * DAY_S)
    assert gone(retention) == names[:2]


def test_recordings_of_a_clock_that_was_behind_are_kept_when_it_is_set(tmp_path: Path) -> None:
    clock = SetClock()
    retention = retention_of(tmp_path, clock, days=30)
    gone(retention)
    name = recorded(tmp_path, clock, 2 * DAY_S)
    assert gone(retention) == []
    clock.set_by(400 * DAY_S)
    assert gone(retention) == []
    clock.pass_s(29 * DAY_S)
    assert gone(retention) == []
    clock.pass_s(1.5 * DAY_S)
    assert gone(retention) == [name]


def test_recordings_of_a_clock_that_was_ahead_do_not_displace_later_ones(tmp_path: Path) -> None:
    clock = SetClock()
    clock.set_by(400 * DAY_S)
    retention = retention_of(tmp_path, clock, max_gb=2.5e-6)
    ahead = [recorded(tmp_path, clock), recorded(tmp_path, clock)]
    gone(retention)
    clock.set_by(-400 * DAY_S)
    recorded(tmp_path, clock)
    assert gone(retention) == ahead[:1]
    recorded(tmp_path, clock)
    assert gone(retention) == ahead[1:]


def test_recordings_that_exist_at_first_go_by_their_date_after_a_day(tmp_path: Path) -> None:
    clock = SetClock()
    old, kept = recorded(tmp_path, clock, DAY_S), recorded(tmp_path, clock, 20 * DAY_S)
    clock.pass_s(20 * DAY_S)
    retention = retention_of(tmp_path, clock, days=30)
    assert gone(retention) == []
    clock.pass_s(1.1 * DAY_S)
    assert gone(retention) == [old]
    assert (tmp_path / kept).exists()


def test_only_recordings_of_the_source_are_deleted(tmp_path: Path) -> None:
    names = ["pond-2026-05-01-06-30-00.flac", "lake-2026-05-01-06-30-00.flac", ".pond-2026-05-01-06-40-00.flac.part"]
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 1000)
        os.utime(tmp_path / name, (0, 0))
    assert gone(retention_of(tmp_path, SetClock(), max_gb=1e-9)) == names[:1]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(names[1:])


def test_held_recordings_are_deleted_in_their_turn(tmp_path: Path) -> None:
    names = [".pond-2026-05-01-06-30-00.flac.held", "pond-2026-05-01-06-40-00.flac"]
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 1000)
        os.utime(tmp_path / name, (0, 0))
    assert gone(retention_of(tmp_path, SetClock(), max_gb=1.5e-6)) == names[:1]
    assert (tmp_path / names[1]).exists()


def test_a_recording_is_no_younger_because_it_was_held(tmp_path: Path) -> None:
    clock = SetClock()
    retention = retention_of(tmp_path, clock, days=30)
    gone(retention)
    clock.pass_s(2 * DAY_S)
    gone(retention)
    name = recorded(tmp_path, clock)
    held = (tmp_path / name).rename(tmp_path / f".{name}.held")
    gone(retention)
    clock.pass_s(29 * DAY_S)
    held.rename(tmp_path / name)
    assert gone(retention) == []
    clock.pass_s(1.5 * DAY_S)
    assert gone(retention) == [name]


def test_the_rows_and_the_days_of_deleted_segments_go_with_them(tmp_path: Path) -> None:
    index = SegmentIndex(tmp_path)
    for day in ("2026-05-01", "2026-05-02"):
        path = tmp_path / day / f"pond-{day}-06-30-00.flac"
        path.parent.mkdir()
        path.write_bytes(b"x" * 1000)
        index.add(Segment("pond", NOW, 0.5, str(path.relative_to(tmp_path))))
    retention_of(tmp_path, SetClock(), max_gb=1.5e-6).apply()
    assert [segment.filepath for segment in index.find()] == ["2026-05-02/pond-2026-05-02-06-30-00.flac"]
    assert not (tmp_path / "2026-05-01").exists()


class MarkingClock(SetClock):
    """The clock is read after the recordings were listed, and before they are deleted: meanwhile, one is marked."""

    marked: Path | None = None

    def __call__(self) -> Moment:
        if self.marked is not None:
            mark_of(self.marked).touch()
        return super().__call__()


def test_a_recording_that_is_marked_meanwhile_is_not_reported_as_deleted(tmp_path: Path) -> None:
    clock = MarkingClock()
    kept, lost = recorded(tmp_path, clock), recorded(tmp_path, clock)
    retention = retention_of(tmp_path, clock, max_gb=1e-9)
    clock.marked = tmp_path / kept
    assert gone(retention) == [lost]
    assert (tmp_path / kept).exists()


def test_a_recording_that_the_disk_does_not_delete_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock()
    stuck, lost = recorded(tmp_path, clock), recorded(tmp_path, clock)
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == stuck:
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    result = retention_of(tmp_path, clock, max_gb=1e-9).apply()
    assert [deletion.file.path.name for deletion in result.deletions] == [lost]
    assert "Operation not permitted" in (result.failure or "")


def test_without_limits_no_folder_is_read(tmp_path: Path) -> None:
    retention_of(tmp_path / "missing", SetClock()).apply()
    assert not (tmp_path / "missing").exists()


async def test_the_state_of_a_recording_reports_dates_that_look_wrong(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pond-9000-01-01-00-00-00.flac").touch()
    source, shared = source_settings(record={"path": tmp_path, "keep": {"days": 30}}), services()
    task = asyncio.create_task(RecorderOutput(source, 1, shared).run())
    try:
        await eventually_async(lambda: shared.recordings.counters("pond").retention is not None)
    finally:
        task.cancel()
        await asyncio.wait([task])
    status = shared.recordings.status(source)
    assert status is not None
    assert "1 recording is dated after the present" in (status.retention or "")
    assert "1 recording is dated after the present" in caplog.text
