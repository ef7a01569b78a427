"""Records in the gap ledger when channels had no valid audio, judged by the JACK server and its ports."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, Never

from stream_manager.jack.agent_protocol import STALL_S
from stream_manager.jack.graph import JackGraph
from stream_manager.source import Source
from tidzam.gaps import ALL, GapLedger, GapReason

SIGNALS_EVERY_S: Final = 1.0


async def record_signal_gaps(sources: Iterable[Source]) -> Never:
    """Record channels that carry no valid audio, until cancelled."""
    while True:
        await asyncio.sleep(SIGNALS_EVERY_S)
        for source in sources:
            source.record_signals()


async def record_jack_gaps(graph: JackGraph, ledger: GapLedger) -> Never:
    """Follow the state of the JACK server, until cancelled."""
    while True:
        await graph.until(lambda g: not g.running)
        ledger.begin(ALL, GapReason.JACK_DOWN, ago_s=STALL_S if graph.up else 0.0)
        await graph.until(lambda g: g.running)
        ledger.end(ALL, GapReason.JACK_DOWN)
