"""Which recordings are indexed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tidzam.sound_index.archive import ArchivedRecording, plan_indexing
from tidzam.sound_index.catalog import IndexedRecording

START = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)


def recording(number: int, *, minutes: float = 10, channels: int = 1) -> ArchivedRecording:
    start = START + timedelta(minutes=10 * number)
    return ArchivedRecording("pond", f"/{number}.flac", start, start + timedelta(minutes=minutes), channels, 1000)


def indexed(number: int, *, size: int = 1000, is_complete: bool = True) -> IndexedRecording:
    return IndexedRecording(number, "pond", f"/{number}.flac", size, 5, is_complete, None)


ARCHIVE = [recording(number) for number in range(4)]


def numbers(recordings: tuple[ArchivedRecording, ...]) -> list[str]:
    return [one.path for one in recordings]


def test_the_newest_are_indexed_first() -> None:
    plan = plan_indexing(ARCHIVE, [], window_s=3, capacity=10_000)
    assert numbers(plan.add) == ["/3.flac", "/2.flac", "/1.flac", "/0.flac"]


def test_what_is_indexed_is_not_indexed_again() -> None:
    plan = plan_indexing(ARCHIVE, [indexed(3), indexed(1)], window_s=3, capacity=10_000)
    assert (numbers(plan.add), plan.remove) == (["/2.flac", "/0.flac"], ())


def test_the_oldest_make_room_for_the_newest() -> None:
    plan = plan_indexing(ARCHIVE, [indexed(0), indexed(1)], window_s=3, capacity=500)
    assert (numbers(plan.add), plan.remove) == (["/3.flac", "/2.flac"], (0, 1))


def test_all_channels_take_room() -> None:
    several = [replace(one, channels=2) for one in ARCHIVE]
    assert len(plan_indexing(several, [], window_s=3, capacity=800).add) == 2


def test_deleted_recordings_are_removed() -> None:
    assert plan_indexing(ARCHIVE, [indexed(9), indexed(2)], window_s=3, capacity=10_000).remove == (9,)


def test_a_recording_that_has_changed_is_indexed_again() -> None:
    plan = plan_indexing(ARCHIVE[:1], [indexed(0, size=500)], window_s=3, capacity=10_000)
    assert (numbers(plan.add), plan.remove, plan.begun) == (["/0.flac"], (0,), {})


def test_a_recording_that_was_begun_is_gone_on_with() -> None:
    begun = indexed(0, is_complete=False)
    plan = plan_indexing(ARCHIVE[:1], [begun], window_s=3, capacity=10_000)
    assert plan.begun == {ARCHIVE[0]: begun}
