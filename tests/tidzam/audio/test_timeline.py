from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tidzam.audio.timeline import ClockPair, Timeline

T0_S = 1_800_000_000.0
RATES = st.sampled_from([22050, 44100, 48000, 96000])


def readings(rate_hz: float, *, seconds: int, jitter_s: list[float]) -> list[ClockPair]:
    """One reading a second of a frame clock that runs at `rate_hz`."""
    return [
        ClockPair(round(second * rate_hz), T0_S + second + jitter_s[second % len(jitter_s)])
        for second in range(seconds)
    ]


def timeline(rate_hz: int, pairs: list[ClockPair]) -> Timeline:
    line = Timeline.begin(rate_hz, pairs[0])
    for pair in pairs[1:]:
        line = line.with_pair(pair)
    return line


@given(RATES, st.integers(0, 1 << 40), st.integers(-(10**6), 10**7))
def test_a_frame_goes_to_a_moment_and_back(rate_hz: int, first: int, later: int) -> None:
    line = Timeline.begin(rate_hz, ClockPair(first, T0_S))
    assert abs(line.frame_at(line.time_of(first + later)) - (first + later)) <= 1


@settings(deadline=None)  # a busy machine takes its time
@given(RATES, st.floats(-400e-6, 400e-6), st.lists(st.floats(-2e-3, 2e-3), min_size=3, max_size=7))
def test_a_clock_that_drifts_and_jitters_is_followed(rate_hz: int, drift: float, jitter_s: list[float]) -> None:
    true_hz = rate_hz * (1 + drift)
    line = timeline(rate_hz, readings(true_hz, seconds=120, jitter_s=jitter_s))
    assert abs(line.utc_s(round(119.5 * true_hz)) - (T0_S + 119.5)) < 6e-3


def test_jitter_is_evened_out() -> None:
    line = timeline(48000, readings(48000, seconds=64, jitter_s=[3e-3, -3e-3]))
    assert abs(line.utc_s(63 * 48000) - (T0_S + 63)) < 1e-3


@given(st.floats(0.06, 1e6) | st.floats(-1e6, -0.06))
def test_a_clock_that_was_set_is_believed_at_once(jump_s: float) -> None:
    line = timeline(48000, readings(48000, seconds=30, jitter_s=[0.0]))
    line = line.with_pair(ClockPair(30 * 48000, T0_S + 30 + jump_s))
    assert abs(line.utc_s(30 * 48000) - (T0_S + 30 + jump_s)) < 1e-6


def test_the_first_reading_is_enough() -> None:
    line = Timeline.begin(48000, ClockPair(96000, T0_S))
    assert line.time_of(96000 + 24000) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=T0_S + 0.5)
