"""The live streams of all clients, without a JACK server: a fault in one of them stays with it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from stream_manager.live.storage import LiveStorage
from stream_manager.live.streams import LiveStreams
from tests.support.eventually import eventually_async
from tests.support.services import SimulatedGraph, services
from tidzam.gaps import GapLedger
from tidzam.protocol.live_streams import Audio


class FailingLedger(GapLedger):
    """Fails once."""

    has_failed = False

    def unload(self, source: str) -> None:
        if not self.has_failed:
            self.has_failed = True
            raise ZeroDivisionError
        super().unload(source)


async def test_clients_that_fall_silent_are_closed_even_after_an_error(caplog: pytest.LogCaptureFixture) -> None:
    graph, ledger = SimulatedGraph(), FailingLedger(None, writer="test")
    provided = services(graph, gaps=ledger, live_streams={"idle_timeout_s": 1})
    live = LiveStreams(provided, {}, LiveStorage(None, file_format="flac", max_gb=1.0))
    live.receive("client", Audio(buffer=bytes(882)))
    await graph.lose_server()  # no process is started for its port
    running = asyncio.create_task(live.run())
    try:
        await eventually_async(lambda: not live.statuses())
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert ledger.has_failed
    assert "ZeroDivisionError" in caplog.text
