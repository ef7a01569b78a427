"""Records in the gap ledger when the JACK server was down."""

from __future__ import annotations

from typing import Never

from stream_manager.jack.agent_protocol import STALL_S
from stream_manager.jack.graph import JackGraph
from tidzam.gaps import ALL, GapLedger, GapReason


async def record_jack_gaps(graph: JackGraph, ledger: GapLedger) -> Never:
    """Follow the state of the JACK server, until cancelled."""
    while True:
        await graph.until(lambda g: not g.running)
        ledger.begin(ALL, GapReason.JACK_DOWN, ago_s=STALL_S if graph.up else 0.0)
        await graph.until(lambda g: g.running)
        ledger.end(ALL, GapReason.JACK_DOWN)
