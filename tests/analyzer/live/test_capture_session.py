"""What the analyzer sees of the capture process: how long its ring is, and how far analysis may lag."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from analyzer.capture.events import Clock, Closed, Opened, Refused
from analyzer.live.capture_session import CaptureSession, ring_length_s
from analyzer.window_schedule import Due
from tidzam.jack.ring import CLOCK, Ring, RingWriter

RATE_HZ = 1000
BEGIN = 600_000
"""A multiple of every hop."""
LANE = 1


@pytest.fixture
def memory() -> Iterator[int]:
    fd = os.memfd_create("ring")
    yield fd
    os.close(fd)


class Recorded:
    """A session over a ring into which a test writes."""

    def __init__(self, memory: int, *, window_s: float, ring_s: float, overlap: float = 0.0) -> None:
        ring = Ring.create(memory, slots=1, capacity_frames=round(ring_s * RATE_HZ), rate_hz=RATE_HZ)
        self._writers = [RingWriter(ring, lane, near=BEGIN) for lane in (CLOCK, LANE)]
        self.session = CaptureSession(ring, window_s=window_s, overlap=overlap)
        self.session.handle(Opened("pond:out_0", 0, LANE, BEGIN))
        self.session.handle(Clock(BEGIN, 0.0))

    def write(self, seconds: float) -> None:
        """Write so many seconds in blocks of 50 ms."""
        for _ in range(round(seconds * 20)):
            for writer in self._writers:
                start = writer.begin(writer.next_frame % (1 << 32), RATE_HZ // 20)
                writer.commit(start, RATE_HZ // 20, torn=False)


@pytest.mark.parametrize("window_s", [0.05, 1.0, 3.0, 10.0, 60.0])
@pytest.mark.parametrize("overlap", [0.0, 0.9])
def test_analysis_that_lags_by_four_seconds_drops_nothing(memory: int, window_s: float, overlap: float) -> None:
    recorded = Recorded(memory, window_s=window_s, ring_s=ring_length_s(window_s), overlap=overlap)
    recorded.write(window_s + 4)
    assert recorded.session.due() == Due(BEGIN, 0)


def test_analysis_that_lags_by_more_continues_with_the_newest_window(memory: int) -> None:
    recorded = Recorded(memory, window_s=1.0, ring_s=ring_length_s(1.0))
    recorded.write(1.0)
    recorded.session.due()
    recorded.write(6.0)
    assert recorded.session.due() == Due(BEGIN + 6 * RATE_HZ, 5)


def test_a_short_ring_leaves_half_of_itself_to_lag(memory: int) -> None:
    recorded = Recorded(memory, window_s=0.1, ring_s=2.0)
    recorded.write(0.95)
    assert recorded.session.due() == Due(BEGIN, 0)


def test_the_first_window_is_the_oldest_that_is_not_too_late(memory: int) -> None:
    recorded = Recorded(memory, window_s=1.0, ring_s=ring_length_s(1.0))
    recorded.write(30.0)
    assert recorded.session.due() == Due(BEGIN + 25 * RATE_HZ, 0)


def test_a_port_that_was_refused_and_has_disappeared_is_no_longer_named(memory: int) -> None:
    session = Recorded(memory, window_s=1.0, ring_s=10.0).session
    session.handle(Refused("creek:out_0", "All 1 slots are in use."))
    session.handle(Closed("creek:out_0"))
    assert session.refused == {}
