"""Windows out of a ring that the test fills: no jackd, no waiting."""

from collections.abc import Iterator

import numpy as np
import pytest

from analyzer.capture.events import Clock, Opened
from analyzer.live.capture_session import CaptureSession
from tests.support.ring_source import RingSource, code, ring_source
from tidzam.jack.ring import CLOCK
from tidzam.results import WindowBatch

RATE_HZ = 8000
PERIOD = 160


@pytest.fixture
def source() -> Iterator[RingSource]:
    with ring_source(rate_hz=RATE_HZ, period=PERIOD) as running:
        yield running


def begun(source: RingSource, *, longest_s: float = 0.0) -> CaptureSession:
    """A session whose first channel is as old as the ring; the second is opened by the test."""
    session = CaptureSession(source.ring, window_s=0.5, overlap=0.0, longest_s=longest_s)
    source.play()
    session.handle(Clock(source.clock.frame, source.clock.utc_s))
    session.handle(Opened("a:out_0", slot=0, lane=CLOCK, first_frame=source.ring.first_frame()))
    return session


def heard(source: RingSource, session: CaptureSession, periods: int) -> list[WindowBatch]:
    """The windows of some periods, taken as they become due."""
    found = []
    for _ in range(periods):
        source.play()
        session.new_gaps()
        if (due := session.due()) is not None:
            found.append(session.read(session.channels_at(due.start), due.start))
    assert len(found) > 2
    return found


def test_windows_of_one_length_have_no_context(source: RingSource) -> None:
    session = begun(source)
    assert {batch.context is None for batch in heard(source, session, 100)} == {True}


def test_a_context_reaches_back_to_the_longest_window(source: RingSource) -> None:
    session = begun(source, longest_s=1.5)
    for batch in heard(source, session, 200):
        assert batch.context is not None
        known = batch.heard_frames[0]
        end = batch.start_frame + 4000
        np.testing.assert_array_equal(batch.context[0, -known:], code(np.arange(end - known, end), 0))
        np.testing.assert_array_equal(batch.samples, batch.context[:, -4000:])


def test_a_channel_has_heard_what_came_since_it_began(source: RingSource) -> None:
    session = begun(source, longest_s=1.5)
    heard(source, session, 100)
    joined = source.frame
    session.handle(Opened("b:out_0", slot=1, lane=CLOCK, first_frame=joined))
    both = [batch.heard_frames for batch in heard(source, session, 200) if len(batch.channels) == 2]
    assert {first for first, _ in both} == {12000}
    assert [second for _, second in both] == [
        min(12000, (number + 1) * 4000 + (-joined) % 4000) for number in range(len(both))
    ]


def test_frames_lost_before_a_window_are_not_its_gap(source: RingSource) -> None:
    session = begun(source, longest_s=1.5)
    heard(source, session, 80)
    gap = source.frame
    source.skip(320)
    for batch in heard(source, session, 120):
        inside = max(0, min(gap + 320, batch.start_frame + 4000) - max(gap, batch.start_frame))
        assert batch.gap_frames == (inside,)


def test_frames_lost_before_a_window_are_silent_in_its_context(source: RingSource) -> None:
    session = begun(source, longest_s=1.5)
    heard(source, session, 80)
    gap = source.frame
    source.skip(320)
    for batch in heard(source, session, 120):
        assert batch.context is not None
        first = batch.start_frame + 4000 - 12000
        if first <= gap and gap + 320 <= first + 12000:
            assert not batch.context[0, gap - first : gap - first + 320].any()


def test_a_session_says_for_how_long_each_channel_was_captured(source: RingSource) -> None:
    session = begun(source)
    source.play(49)
    session.handle(Opened("b:out_0", slot=1, lane=CLOCK, first_frame=source.frame))
    source.play(50)
    assert session.heard_s() == {"a:out_0": 2.0, "b:out_0": 1.0}
