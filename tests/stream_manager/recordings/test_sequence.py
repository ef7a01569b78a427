"""What is played next, and what is reported as missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stream_manager.recordings.index import RecordingIndex
from stream_manager.recordings.sequence import Passage, first_passage, next_passage

BEGIN = datetime(2026, 5, 1, 6, 0)
BEGIN_S = BEGIN.replace(tzinfo=UTC).timestamp()


def index_of(*starts_s: float, length_s: float = 10.0) -> RecordingIndex:
    index = RecordingIndex(UTC, file_length_s=length_s)
    index.fill({f"{start:g}": BEGIN + timedelta(seconds=start) for start in starts_s}, lambda name: None)
    return index


def described(passage: Passage | None) -> tuple[str, float, float, float] | None:
    """The name, offset, time after BEGIN and hole of a passage."""
    if passage is None:
        return None
    return passage.recording.file_name, passage.offset_s, passage.time_s - BEGIN_S, passage.hole_s


@pytest.mark.parametrize(
    ("time_s", "expected"),
    [
        (-5, ("0", 0, 0, 5)),
        (0, ("0", 0, 0, 0)),
        (4.25, ("0", 4.25, 4.25, 0)),
        (12, ("20", 0, 20, 8)),
        (30, None),
    ],
)
def test_replay_begins_in_the_recording_that_holds_the_time_or_with_the_next(
    time_s: float, expected: tuple[str, float, float, float] | None
) -> None:
    assert described(first_passage(index_of(0, 20), BEGIN_S + time_s)) == expected


@pytest.mark.parametrize(
    ("starts_s", "played_s", "expected"),
    [
        ((0, 10), 10.0, ("10", 0, 10, 0)),
        ((0, 10), 9.5, ("10", 0, 9.5, 0)),
        ((0, 10), 10.75, ("10", 0, 10.75, 0)),
        ((0, 15), 10.0, ("15", 0, 15, 5)),
        ((0, 10), 4.0, ("10", 0, 10, 6)),
        ((0, 7), 10.0, ("7", 3, 10, 0)),
        ((0, 2, 10), 14.0, ("10", 4, 14, 0)),
        ((0,), 10.0, None),
    ],
    ids=["contiguous", "early", "late", "hole", "truncated", "overlap", "contained", "last"],
)
def test_what_follows_a_recording(
    starts_s: tuple[float, ...], played_s: float, expected: tuple[str, float, float, float] | None
) -> None:
    index = index_of(*starts_s)
    first = first_passage(index, BEGIN_S)
    assert first is not None
    assert described(next_passage(index, first, played_s)) == expected


def test_time_goes_on_over_recordings_whose_names_are_cut_to_seconds_and_is_set_when_it_deviates() -> None:
    index = index_of(*range(0, 1000, 10))
    passage, times = first_passage(index, BEGIN_S), []
    while passage is not None:
        times.append(passage.time_s - BEGIN_S - float(passage.recording.file_name))
        passage = next_passage(index, passage, 10.25)
    assert max(map(abs, times)) <= 1.1
    assert times[:6] == [0, 0.25, 0.5, 0.75, 1.0, 0]


@pytest.mark.parametrize(("now_s", "expected"), [(25, "20"), (15, None)])
def test_a_recording_that_is_dated_after_the_present_is_not_begun(now_s: float, expected: str | None) -> None:
    passage = first_passage(index_of(0, 20), BEGIN_S + 12, now_s=BEGIN_S + now_s)
    assert (passage and passage.recording.file_name) == expected


@pytest.mark.parametrize(("now_s", "expected"), [(25, "20"), (15, None)])
def test_a_recording_that_is_dated_after_the_present_does_not_follow(now_s: float, expected: str | None) -> None:
    index = index_of(0, 20)
    first = first_passage(index, BEGIN_S)
    assert first is not None
    passage = next_passage(index, first, 10.0, now_s=BEGIN_S + now_s)
    assert (passage and passage.recording.file_name) == expected
