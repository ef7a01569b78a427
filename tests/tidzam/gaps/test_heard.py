"""The time heard per day and channel, against a count second by second."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tidzam.gaps.heard import heard
from tidzam.gaps.intervals import Interval, difference, intersection, length, union
from tidzam.gaps.records import ALL, Gap, GapReason, Loaded, midnight

DAY = date(2026, 11, 27)
NOON = midnight(DAY) + timedelta(hours=12)

intervals = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def points(found: list[Interval]) -> set[int]:
    return {point for start, end in found for point in range(start, end)}


@given(intervals, intervals)
def test_sets_of_intervals_are_those_of_their_points(one: list[Interval], other: list[Interval]) -> None:
    first, second = union(one), union(other)
    assert points(first) == points(one)
    assert all(before[1] < after[0] for before, after in pairwise(first))
    assert points(intersection(first, second)) == points(one) & points(other)
    assert points(difference(first, second)) == points(one) - points(other)
    assert length(first) == len(points(one))


def at(second: int) -> datetime:
    """Around midnight: second 0 is five minutes before DAY."""
    return midnight(DAY) + timedelta(seconds=second - 300)


spans = st.tuples(st.integers(0, 600), st.integers(0, 600)).map(sorted)
loads = st.builds(lambda span, channels: Loaded("pond", channels, at(span[0]), at(span[1])), spans, st.integers(0, 2))
gaps = st.builds(
    lambda span, channel, reason: Gap(channel, at(span[0]), at(span[1]), reason),
    spans,
    st.sampled_from([ALL, "pond", "pond:out_0", "pond:out_1", "lake", "lake:out_0"]),
    st.sampled_from(GapReason),
)


@given(st.lists(loads, min_size=1, max_size=4), st.lists(gaps, max_size=8))
def test_the_minutes_heard_are_those_counted_second_by_second(loaded: list[Loaded], missed: list[Gap]) -> None:
    most = max((one.channels for one in loaded if one.start < one.end and one.end > midnight(DAY)), default=0)
    for row in heard(DAY, [*loaded, *missed]):
        channel = int(row.channel.partition("_")[2]) if ":" in row.channel else -1
        assert (channel < most) if most else row.channel == "pond"
        expected, lost = set(), {}
        for second in range(300, 600):
            now = at(second)
            if any(one.start <= now < one.end and (one.channels > channel or not one.channels) for one in loaded):
                expected.add(second)
            reasons = [
                gap.reason
                for gap in missed
                if gap.start <= now < gap.end and gap.channel in (ALL, "pond", row.channel) and not gap.is_past
            ]
            if reasons:
                lost[second] = min(reasons, key=list(GapReason).index)
        counted = {
            reason: count for reason in GapReason if (count := sum(lost.get(second) is reason for second in expected))
        }
        assert row.missing_s == counted
        assert row.loaded_s == len(expected)
        assert row.heard_s == row.loaded_s - sum(counted.values())


def test_a_day_without_gaps_is_heard_whole() -> None:
    loaded = Loaded("pond", 1, midnight(DAY) - timedelta(days=1), midnight(DAY) + timedelta(days=2))
    (row,) = heard(DAY, [loaded])
    assert (row.channel, row.loaded_s, row.heard_s, row.missing_s) == ("pond:out_0", 86400, 86400, {})


def test_overlapping_gaps_are_counted_once_for_the_first_reason() -> None:
    minute = timedelta(minutes=1)
    loaded = Loaded("pond", 1, NOON, NOON + 10 * minute)
    down = Gap("pond", NOON + minute, NOON + 4 * minute, GapReason.SOURCE_DOWN)
    jack = Gap(ALL, NOON + 2 * minute, NOON + 3 * minute, GapReason.JACK_DOWN)
    (row,) = heard(DAY, [loaded, down, jack])
    assert row.missing_s == {GapReason.JACK_DOWN: 60, GapReason.SOURCE_DOWN: 120}
    assert row.heard_s == 420


def test_a_hole_in_recordings_is_no_gap_of_the_day_on_which_they_were_made() -> None:
    loaded = Loaded("pond", 1, NOON, NOON + timedelta(minutes=1))
    hole = Gap("pond", NOON, NOON + timedelta(seconds=30), GapReason.RECORDING_MISSING)
    (row,) = heard(DAY, [loaded, hole])
    assert row.heard_s == 60


def test_a_gap_of_one_channel_leaves_the_others() -> None:
    loaded = Loaded("pond", 2, NOON, NOON + timedelta(minutes=1))
    gap = Gap("pond:out_1", NOON, NOON + timedelta(seconds=6), GapReason.CAPTURE)
    assert [row.heard_s for row in heard(DAY, [loaded, gap])] == [60, 54]


def test_channels_that_are_known_later_are_missed_from_the_beginning() -> None:
    minute = timedelta(minutes=1)
    unknown, known = Loaded("pond", 0, NOON, NOON + minute), Loaded("pond", 1, NOON + minute, NOON + 3 * minute)
    down = Gap("pond", NOON, NOON + minute, GapReason.SOURCE_DOWN)
    (row,) = heard(DAY, [unknown, known, down])
    assert (row.channel, row.loaded_s, row.heard_s) == ("pond:out_0", 180, 120)


def test_a_source_that_never_played_has_a_row() -> None:
    loaded = Loaded("pond", 0, NOON, NOON + timedelta(minutes=1))
    down = Gap("pond", NOON, NOON + timedelta(minutes=1), GapReason.SOURCE_DOWN)
    (row,) = heard(DAY, [loaded, down])
    assert (row.channel, row.heard_s) == ("pond", 0)
