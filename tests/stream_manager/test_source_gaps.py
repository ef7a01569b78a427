"""When a source has no valid audio, judged by its states."""

from __future__ import annotations

import asyncio

import pytest

from stream_manager.jack.gaps import record_jack_gaps
from stream_manager.source_gaps import SourceGaps, gap_reason
from tests.support.eventually import eventually_async
from tests.support.gap_clock import SetClock
from tests.support.services import SimulatedGraph
from tidzam.gaps import GapLedger, GapReason
from tidzam.protocol.signals import ChannelSignal, SignalState
from tidzam.protocol.source_status import SourceState


@pytest.mark.parametrize("state", SourceState)
def test_a_source_has_sound_only_while_it_plays(state: SourceState) -> None:
    has_sound = state in (SourceState.PLAYING, SourceState.ENDED)
    assert (gap_reason(state, is_live=True) is None) == has_sound


def test_silence_in_a_file_is_content() -> None:
    assert gap_reason(SourceState.SILENT, is_live=False) is None


def test_a_silent_source_has_been_silent_before_that_was_known() -> None:
    clock = SetClock()
    ledger = GapLedger(None, writer="test", clock=clock)
    gaps = SourceGaps("pond", ledger, returns=True)
    gaps.load(1)
    gaps.follow(SourceState.LOADING, is_live=True)
    clock.pass_s(2)
    gaps.follow(SourceState.PLAYING, is_live=True)
    clock.pass_s(100)
    gaps.follow(SourceState.SILENT, is_live=True, ago_s=10)
    clock.pass_s(5)
    assert gaps.totals().by_reason == {GapReason.SOURCE_DOWN: 2, GapReason.SILENCE: 15}


def signals(*states: SignalState) -> list[ChannelSignal]:
    return [ChannelSignal(port=f"pond:out_{number}", state=state) for number, state in enumerate(states)]


def test_a_channel_that_is_stuck_has_a_gap_of_its_own_while_it_lasts() -> None:
    clock = SetClock()
    ledger = GapLedger(None, writer="test", clock=clock)
    gaps = SourceGaps("pond", ledger, returns=True)
    gaps.load(2)
    for states, seconds in (
        ((SignalState.WELL, SignalState.STUCK), 20),
        ((SignalState.WELL, SignalState.DIGITAL_SILENCE), 5),
        ((SignalState.WELL, SignalState.HUM), 7),
    ):
        gaps.follow_signals(signals(*states), is_live=True, ago_s=0)
        clock.pass_s(seconds)
    assert gaps.totals().by_reason == {GapReason.STUCK: 20, GapReason.SILENCE: 5}
    assert gaps.totals().seconds == 25


def test_what_a_file_contains_is_no_gap() -> None:
    gaps = SourceGaps("pond", GapLedger(None, writer="test", clock=SetClock()), returns=True)
    gaps.load(1)
    gaps.follow_signals(signals(SignalState.STUCK), is_live=False, ago_s=0)
    assert gaps.totals().last is None


async def test_while_jack_is_away_every_source_has_a_gap() -> None:
    graph, ledger = SimulatedGraph(), GapLedger(None, writer="test")
    ledger.load("pond", 1)
    recording = asyncio.create_task(record_jack_gaps(graph, ledger))
    try:
        await asyncio.sleep(0)
        assert ledger.totals("pond").last is None
        await graph.lose_server()
        await eventually_async(lambda: ledger.totals("pond").last is not None)
        assert ledger.totals("pond").by_reason.keys() == {GapReason.JACK_DOWN}
    finally:
        recording.cancel()
        await asyncio.wait([recording])
