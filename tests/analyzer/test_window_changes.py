"""Windows from a ring in memory, when their length changes while it is being filled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from analyzer.capture.events import Clock, Opened
from analyzer.live.capture_session import CaptureSession, check_window
from tests.support.ring_source import RingSource, ring_source
from tidzam.errors import BundleError

RATE_HZ = 8000
PERIODS_PER_S = 50


@pytest.fixture
def source() -> Iterator[RingSource]:
    with ring_source(channels=1, rate_hz=RATE_HZ, ring_s=30.0) as playing:
        yield playing


def listening(source: RingSource) -> CaptureSession:
    """A session of windows of one second that has heard one channel since its beginning."""
    session = CaptureSession(source.ring, window_s=1.0, overlap=0.0)
    source.play()
    first = source.ring.first_frame()
    session.handle(Opened(channel="pond:out_0", slot=0, lane=0, first_frame=first))
    session.handle(Clock(frame=source.clock.frame, utc_s=source.clock.utc_s))
    return session


def starts(session: CaptureSession) -> list[int]:
    found = []
    while (due := session.due()) is not None:
        found.append(due.start)
    return found


def test_windows_of_the_same_length_follow_one_another_as_if_nothing_happened(source: RingSource) -> None:
    session = listening(source)
    source.play(2 * PERIODS_PER_S)
    before = starts(session)
    session.reschedule(window_s=1.0, overlap=0.0)
    source.play(2 * PERIODS_PER_S)
    found = [*before, *starts(session)]
    assert len(found) >= 3
    assert found == list(range(found[0], found[-1] + 1, RATE_HZ))


@pytest.mark.parametrize("window_s", [0.25, 0.7, 2.0, 3.0])
def test_windows_of_another_length_leave_no_frame_out(source: RingSource, window_s: float) -> None:
    session = listening(source)
    source.play(2 * PERIODS_PER_S)
    reached = starts(session)[-1] + RATE_HZ
    session.reschedule(window_s=window_s, overlap=0.0)
    source.play(7 * PERIODS_PER_S)
    first, second, *_ = starts(session)
    assert first == reached
    assert second == first + session.schedule.hop


def test_windows_that_do_not_fit_the_ring_are_refused() -> None:
    check_window(28.0, ring_s=30.0)
    with pytest.raises(BundleError, match=r"last 28.1 s; .* enough for 28 s"):
        check_window(28.1, ring_s=30.0)
