"""The times of recordings, from what the stream manager reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analyzer.live.source_clocks import SourceClocks
from tidzam.protocol.analyzer import JackSource
from tidzam.results import WindowBatch

RATE_HZ = 1000
THEN = datetime(2020, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 5, 1, 6, tzinfo=UTC)
CHANNEL = "pond:out_0"


def recorded(frame: int | None, seconds: float = 0.0, name: str = "pond") -> JackSource:
    time = None if frame is None else THEN + timedelta(seconds=seconds)
    return JackSource(name=name, starting_time=time, frame=frame, is_recorded=True)


def batch(start_frame: int, *channels: str) -> WindowBatch:
    samples = np.zeros((len(channels), RATE_HZ), np.float32)
    starts = (NOW + timedelta(seconds=start_frame / RATE_HZ),) * len(channels)
    return WindowBatch(channels, samples, RATE_HZ, start_frame, starts, (0,) * len(channels))


def heard(clocks: SourceClocks, frame: int) -> int:
    """Of the 4 s up to the end of a window, the frames of a channel that count as heard."""
    longer = replace(batch(frame, CHANNEL), context=np.zeros((1, 4000), np.float32), heard_frames=(4000,))
    return clocks.applied(longer)[0].heard_frames[0]


def seconds(clocks: SourceClocks, frame: int) -> float | None:
    time = clocks.time_of(CHANNEL, frame, RATE_HZ)
    return None if time is None else (time - THEN).total_seconds()


def test_a_source_without_a_report_follows_the_clock_of_the_node() -> None:
    clocks = SourceClocks()
    clocks.update([recorded(0), JackSource(name="lake", starting_time=NOW, rate_hz=44100)])
    changed, jumped = clocks.applied(batch(2000, "lake:out_0", CHANNEL))
    assert changed.starts == (NOW + timedelta(seconds=2), THEN + timedelta(seconds=2))
    assert not jumped


def test_recorded_time_is_counted_from_the_last_report_before_a_window() -> None:
    clocks = SourceClocks()
    clocks.update([recorded(5000)])
    clocks.update([recorded(9000, 100)])
    assert [seconds(clocks, frame) for frame in (4000, 5000, 8999, 9000, 10000)] == [-1, 0, 3.999, 100, 101]


def test_frames_of_64_bits_belong_to_those_of_32_bits_that_jack_reports() -> None:
    clocks = SourceClocks()
    clocks.update([recorded((1 << 32) - 1000)])
    assert seconds(clocks, (3 << 32) + 1000) == 2


def test_a_source_that_plays_live_again_follows_the_clock_of_the_node() -> None:
    clocks = SourceClocks()
    clocks.update([recorded(0)])
    clocks.update([JackSource(name="pond", starting_time=NOW)])
    assert seconds(clocks, 1000) is None
    assert clocks.is_known(CHANNEL)


def test_the_time_of_a_source_that_begins_to_replay_is_unknown_until_its_frame_is_reported() -> None:
    clocks = SourceClocks()
    clocks.update([recorded(None)])
    assert not clocks.is_known(CHANNEL)
    assert clocks.is_known("lake:out_0")
    clocks.update([recorded(0)])
    assert clocks.is_known(CHANNEL)


def test_reports_before_another_start_do_not_count() -> None:
    clocks = SourceClocks()
    clocks.update([recorded(0)])
    clocks.update([recorded(None)])
    clocks.update([recorded(5000, 50)])
    assert seconds(clocks, 4000) == 49


@pytest.mark.parametrize("hole_s", [-100, -1, 1, 3600])
def test_a_hole_in_the_recordings_is_a_jump_of_the_channel(hole_s: float) -> None:
    clocks = SourceClocks()
    clocks.update([recorded(0)])
    clocks.update([recorded(2500, 2.5 + hole_s)])
    assert [clocks.applied(batch(frame, CHANNEL))[1] for frame in range(0, 5000, 1000)] == [
        frozenset({CHANNEL} if frame == 3000 else ()) for frame in range(0, 5000, 1000)
    ]


def test_a_report_that_confirms_the_time_is_no_jump() -> None:
    clocks = SourceClocks()
    clocks.update([recorded(0)])
    clocks.update([recorded(2500, 2.5)])
    assert not any(clocks.applied(batch(frame, CHANNEL))[1] for frame in range(0, 5000, 1000))


def test_what_was_played_before_a_jump_is_not_heard() -> None:
    clocks = SourceClocks()
    clocks.update([recorded(0)])
    clocks.update([recorded(6500, 100.0)])
    known = [heard(clocks, frame) for frame in range(0, 12000, 1000)]
    assert known == [1000, 2000, 3000, 4000, 4000, 4000, 4000, 1000, 2000, 3000, 4000, 4000]


def test_what_was_live_before_a_replay_is_not_heard_nor_the_replay_after_it() -> None:
    clocks = SourceClocks()
    assert [heard(clocks, frame) for frame in (5000, 6000)] == [4000, 4000]
    clocks.update([recorded(6500)])
    assert [heard(clocks, frame) for frame in (7000, 8000)] == [1000, 2000]
    clocks.update([JackSource(name="pond")])
    assert [heard(clocks, frame) for frame in (9000, 10000)] == [1000, 2000]


def test_memory_is_bounded_for_any_number_of_sources() -> None:
    clocks = SourceClocks()
    for number in range(5000):
        clocks.update([recorded(0, name=f"s{number}")])
    assert clocks.time_of("s0:out_0", 0, RATE_HZ) is None
    assert clocks.time_of("s4999:out_0", 0, RATE_HZ) is not None
