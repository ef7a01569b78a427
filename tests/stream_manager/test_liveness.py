"""Whether a player makes progress and its source is audible, on a simulated clock."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from stream_manager.liveness import Liveness, LivenessLimits, LivenessSample

LIMITS = LivenessLimits(player_timeout_s=10, silent_after_s=10, silence_timeout_s=60)


def seen(looks: list[LivenessSample], limits: LivenessLimits = LIMITS) -> Liveness:
    liveness = Liveness.begin(limits, 0.0)
    for look in looks:
        liveness = liveness.after(look)
    return liveness


def look(now_s: float, **changes: object) -> LivenessSample:
    """A sample of a working player, which plays one second of audio per second."""
    return replace(LivenessSample(now_s, answered=True, position_s=now_s, quiet=False), **changes)  # type: ignore[arg-type]


def test_a_playing_player_is_neither_hung_nor_silent() -> None:
    liveness = seen([look(t) for t in range(1, 1000)])
    assert not (liveness.is_hung)
    assert not (liveness.is_silent)
    assert not (liveness.silent_too_long)


def test_a_stopped_player_is_hung_whatever_its_ports_contain() -> None:
    for quiet in (True, False):
        stopped = [look(t, answered=False, position_s=None, quiet=quiet) for t in range(1, 10)]
        assert not seen(stopped).is_hung
        assert seen([*stopped, look(10, answered=False, position_s=None, quiet=quiet)]).is_hung


def test_a_player_that_answers_but_makes_no_progress_is_hung() -> None:
    assert seen([look(t, position_s=3.0) for t in range(1, 12)]).is_hung


def test_a_player_of_a_silent_source_is_not_hung() -> None:
    liveness = seen([look(t, position_s=3.0, quiet=True) for t in range(1, 30)])
    assert (liveness.is_hung, liveness.is_silent, liveness.silent_too_long) == (False, True, False)


def test_silence_of_a_live_source_times_out_and_that_of_a_file_does_not() -> None:
    silence = [look(t, quiet=True) for t in range(1, 100)]
    assert seen(silence[:9]).is_silent is False
    assert seen(silence[:10]).is_silent
    assert not seen(silence[:59]).silent_too_long
    assert seen(silence[:60]).silent_too_long
    assert not seen(silence, replace(LIMITS, silence_timeout_s=None)).silent_too_long


def test_one_audible_sample_ends_silence() -> None:
    liveness = seen([*(look(t, quiet=True) for t in range(1, 30)), look(30), look(31, quiet=True)])
    assert (liveness.is_silent, liveness.silent_s) == (False, 1)


def test_no_player_is_judged_while_jack_is_stalled() -> None:
    """Ports then repeat what they last carried, and nothing can move."""
    before = [look(t) for t in range(1, 5)]
    stall = [look(t, position_s=4.0, quiet=True, jack_runs=False) for t in range(5, 500)]
    liveness = seen([*before, *stall])
    assert not (liveness.is_hung)
    assert not (liveness.is_silent)
    assert not (liveness.silent_too_long)
    assert not seen([*before, *stall, look(500, position_s=4.0)]).is_hung


@given(
    st.lists(
        st.builds(
            LivenessSample,
            now_s=st.just(0.0),
            answered=st.booleans(),
            position_s=st.none() | st.sampled_from([1.0, 2.0]),
            quiet=st.booleans(),
            jack_runs=st.booleans(),
        ),
        max_size=60,
    )
)
def test_hang_and_silence_require_their_full_timeouts(looks: list[LivenessSample]) -> None:
    liveness = seen([replace(one, now_s=float(second)) for second, one in enumerate(looks, 1)])
    assert 0 <= liveness.stalled_s <= len(looks)
    assert 0 <= liveness.silent_s <= len(looks)
    last = looks[-10:]
    if any(not one.quiet or not one.jack_runs for one in last):
        assert not liveness.is_silent
