"""Whether a player makes progress and its source is audible, on a simulated clock."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from stream_manager.faults import SourceFault
from stream_manager.liveness import Liveness, LivenessLimits, LivenessSample

LIMITS = LivenessLimits(
    start_timeout_s=20, player_timeout_s=10, no_data_timeout_s=30, silent_after_s=10, unhealthy_timeout_s=60
)


def seen(looks: list[LivenessSample], limits: LivenessLimits = LIMITS) -> Liveness:
    liveness = Liveness.begin(limits, 0.0)
    for look in looks:
        liveness = liveness.after(look)
    return liveness


def look(now_s: float, **changes: object) -> LivenessSample:
    """A sample of a working player, which plays one second of audio per second."""
    return replace(LivenessSample(now_s, answered=True, position_s=now_s, quiet=False), **changes)  # type: ignore[arg-type]


def fault(liveness: Liveness) -> SourceFault | None:
    return liveness.failure.fault if liveness.failure else None


def test_a_playing_player_is_neither_replaced_nor_silent() -> None:
    liveness = seen([look(t) for t in range(1, 1000)])
    assert (fault(liveness), liveness.is_silent) == (None, False)


def test_a_stopped_player_is_hung_whatever_its_ports_contain() -> None:
    for quiet in (True, False):
        stopped = [look(t, answered=False, position_s=None, quiet=quiet) for t in range(1, 10)]
        assert fault(seen(stopped)) is None
        hung = seen([*stopped, look(10, answered=False, position_s=None, quiet=quiet)])
        assert fault(hung) is SourceFault.HUNG


def test_a_player_that_answers_but_makes_no_progress_is_hung() -> None:
    assert fault(seen([look(t, position_s=3.0) for t in range(1, 12)])) is SourceFault.HUNG


def test_a_player_that_waits_for_data_is_not_hung_but_its_source_is_loaded_again_after_30_s() -> None:
    waiting = [look(0.5, position_s=3.0), *(look(t, position_s=3.0, quiet=True) for t in range(1, 40))]
    assert fault(seen(waiting[:30])) is None
    assert seen(waiting[:30]).is_silent
    assert fault(seen(waiting[:32])) is SourceFault.NO_DATA


def test_a_player_without_ports_that_stands_still_waits_for_data() -> None:
    copying = [look(t, position_s=3.0, has_ports=False) for t in range(1, 40)]
    assert fault(seen(copying[:30])) is None
    assert fault(seen(copying)) is SourceFault.NO_DATA


def test_data_that_arrives_once_in_a_while_is_enough() -> None:
    slow = [look(t, position_s=float(t // 29), quiet=True) for t in range(1, 55)]
    assert fault(seen(slow)) is None


def test_silence_of_a_live_source_times_out_and_that_of_a_file_does_not() -> None:
    silence = [look(t, quiet=True) for t in range(1, 100)]
    assert seen(silence[:9]).is_silent is False
    assert seen(silence[:10]).is_silent
    assert fault(seen(silence[:59])) is None
    assert fault(seen(silence[:60])) is SourceFault.DIGITAL_SILENCE
    assert fault(seen(silence, replace(LIMITS, unhealthy_timeout_s=None))) is None


def test_a_stuck_source_times_out_as_a_silent_one_does() -> None:
    assert fault(seen([look(t, stuck=True) for t in range(1, 60)])) is None
    assert fault(seen([look(t, stuck=True) for t in range(1, 61)])) is SourceFault.STUCK


def test_silence_and_repetition_in_turn_count_together() -> None:
    mixed = [look(t, quiet=t % 2 == 0, stuck=t % 2 == 1) for t in range(1, 61)]
    assert fault(seen(mixed)) is SourceFault.DIGITAL_SILENCE


def test_one_audible_sample_ends_silence() -> None:
    liveness = seen([*(look(t, quiet=True) for t in range(1, 30)), look(30), look(31, quiet=True)])
    assert (liveness.is_silent, liveness.silent_s) == (False, 1)


def test_no_player_is_judged_while_jack_is_stalled() -> None:
    """Ports then repeat what they last carried, and nothing can move."""
    before = [look(t) for t in range(1, 5)]
    stall = [look(t, position_s=4.0, quiet=True, stuck=True, jack_runs=False) for t in range(5, 500)]
    liveness = seen([*before, *stall])
    assert (fault(liveness), liveness.is_silent) == (None, False)
    assert fault(seen([*before, *stall, look(500, position_s=4.0)])) is None


@given(
    st.lists(
        st.builds(
            LivenessSample,
            now_s=st.just(0.0),
            answered=st.booleans(),
            position_s=st.none() | st.sampled_from([1.0, 2.0]),
            quiet=st.booleans(),
            stuck=st.booleans(),
            jack_runs=st.booleans(),
        ),
        max_size=60,
    )
)
def test_no_limit_is_reached_before_its_time(looks: list[LivenessSample]) -> None:
    liveness = seen([replace(one, now_s=float(second)) for second, one in enumerate(looks, 1)])
    for waited_s in (liveness.stalled_s, liveness.no_data_s, liveness.silent_s, liveness.unwell_s):
        assert 0 <= waited_s <= len(looks)
    assert liveness.stalled_s <= liveness.no_data_s
    assert liveness.silent_s <= liveness.unwell_s
    last = looks[-10:]
    if any(not one.quiet or not one.jack_runs for one in last):
        assert not liveness.is_silent
