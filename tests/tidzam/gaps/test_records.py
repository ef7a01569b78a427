"""Records as lines, cut at midnight, and merged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.gap_clock import NOON
from tidzam.gaps.open_state import MAX_DEAD, OpenGap, OpenSource, OpenState
from tidzam.gaps.records import ALL, Gap, GapReason, Loaded, Record, by_day, decode, encode, midnight
from tidzam.gaps.short_gaps import MERGE_S, ShortGaps

times = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))
spans = st.tuples(times, st.timedeltas(timedelta(0), timedelta(days=3)))
channels = st.sampled_from([ALL, "pond", "pond:out_0"])
gaps = st.builds(
    lambda span, channel, reason, count: Gap(channel, span[0], span[0] + span[1], reason, count),
    spans,
    channels,
    st.sampled_from(GapReason),
    st.integers(0, 5),
)
loads = st.builds(lambda span, count: Loaded("pond", count, span[0], span[0] + span[1]), spans, st.integers(0, 30))


@given(gaps | loads)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    line = encode(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == record


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b'{"kind":"gap"}',
        b'{"kind":"gap","channel":"a","reason":"boredom","start":"2026-11-27T00:00:00Z","end":"2026-11-27T00:00:00Z"}',
        b'{"kind":"loaded","source":"a","channels":1,"start":"2026-11-27T00:00:01Z","end":"2026-11-27T00:00:00Z"}',
        b'{"kind":"loaded","source":"a","channels":1,"start":"2026-11-27T00:00:0',
        b"\xff\xfe",
    ],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode(line)


@given(gaps)
def test_the_parts_by_day_are_the_whole_and_each_lies_in_its_day(gap: Gap) -> None:
    parts = list(by_day(gap))
    assert sum((part.end - part.start for _, part in parts), timedelta()) == gap.end - gap.start
    for day, part in parts:
        assert midnight(day) <= part.start < part.end <= midnight(day) + timedelta(days=1)
    counts = [part.count for _, part in parts if isinstance(part, Gap)]
    assert counts in ([], [gap.count, *[0] * (len(counts) - 1)])


def short_gap(start: datetime, seconds: float = 0.25) -> Gap:
    return Gap("pond", start, start + timedelta(seconds=seconds), GapReason.UNDERRUN)


def test_a_storm_of_short_gaps_becomes_two_records_per_minute_and_keeps_their_total() -> None:
    short = ShortGaps()
    records: list[Gap] = []
    for index in range(600):
        records += short.add(short_gap(NOON + timedelta(seconds=index / 2)), index / 2)
    records += short.flush()
    assert len(records) <= 2 * (300 / MERGE_S)
    assert sum(record.count for record in records) == 600
    assert sum(record.seconds for record in records) == pytest.approx(150)


def test_a_long_gap_is_recorded_at_once() -> None:
    short = ShortGaps()
    long_gap = short_gap(NOON, 2.0)
    assert short.add(short_gap(NOON), 0.0) == (short_gap(NOON),)
    assert short.add(long_gap, 1.0) == (long_gap,)


def test_the_state_of_a_program_is_read_as_it_was_written() -> None:
    state = OpenState(
        "stream_manager",
        GapReason.NODE_DOWN,
        NOON,
        (OpenSource("pond", 2, NOON, returns=True),),
        (OpenGap("pond:out_1", GapReason.NETWORK, NOON, 0),),
    )
    assert OpenState.decode(state.encode()) == state


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"writer": "a", "death": "xrun", "seen": "yesterday"}'])
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        OpenState.decode(text)


def test_a_node_that_was_given_up_is_not_missed_for_ever() -> None:
    state = OpenState("stream_manager", GapReason.NODE_DOWN, NOON, (OpenSource("pond", 1, NOON, returns=True),))
    *_, gap = state.records_after_death(NOON + timedelta(days=400))
    assert (gap.end - NOON) == MAX_DEAD
