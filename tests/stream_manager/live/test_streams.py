"""The live streams of all clients, without a JACK server: a fault in one of them stays with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Never

import pytest

from stream_manager.jack.openings import AT_ONCE, Opener
from stream_manager.live.storage import LiveStorage
from stream_manager.live.streams import LiveStreams
from stream_manager.services import Services
from tests.support.eventually import eventually_async
from tests.support.services import SimulatedGraph, services
from tidzam.gaps import GapLedger
from tidzam.jack.live_protocol import LiveFrame
from tidzam.protocol.live_streams import Audio

PACKET = Audio(buffer=bytes(882))


def live_streams(provided: Services) -> LiveStreams:
    return LiveStreams(provided, {}, LiveStorage(None, file_format="flac", max_gb=1.0))


@asynccontextmanager
async def running(live: LiveStreams) -> AsyncIterator[None]:
    task = asyncio.create_task(live.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class IdleProcess:
    """In place of the process with the ports: takes what it gets, and reports nothing."""

    def __init__(self) -> None:
        self.frames: list[LiveFrame] = []
        self.has_ended = False

    def send(self, frame: LiveFrame) -> bool:
        self.frames.append(frame)
        return True

    async def messages(self) -> AsyncIterator[Never]:
        await asyncio.Event().wait()
        yield  # type: ignore[misc]

    def kill(self) -> None:
        pass


class Starts(list[IdleProcess]):
    """The processes that were started, once it `may_start`."""

    def __init__(self) -> None:
        self.may_start = asyncio.Event()
        self.may_start.set()

    @asynccontextmanager
    async def start(self, *_: Any) -> AsyncIterator[IdleProcess]:
        await self.may_start.wait()
        self.append(IdleProcess())
        yield self[-1]
        self[-1].has_ended = True


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Starts:
    starts = Starts()
    monkeypatch.setattr("stream_manager.live.streams.live_process", starts.start)
    return starts


@asynccontextmanager
async def all_turns_taken(provided: Services) -> AsyncIterator[list[AsyncExitStack]]:
    """Players that have each of the turns; closing one ends its turn."""
    async with AsyncExitStack() as stack:
        turns = [await stack.enter_async_context(AsyncExitStack()) for _ in range(AT_ONCE)]
        for number, turn in enumerate(turns):
            await turn.enter_async_context(provided.openings.turn(f"opening-{number}", Opener.PLAYER))
        yield turns


async def test_a_stream_waits_for_no_player_that_waits_itself(started: Starts) -> None:
    provided = services()
    live = live_streams(provided)
    async with all_turns_taken(provided) as turns, AsyncExitStack() as stack:
        waiting = [stack.enter_async_context(provided.openings.turn(f"player-{n}", Opener.PLAYER)) for n in range(40)]
        players = [asyncio.create_task(one) for one in waiting]
        await settle()
        live.receive("client", PACKET)
        async with running(live):
            await settle()
            await turns[0].aclose()
            await settle()
            assert [frame.pcm for frame in started[0].frames] == [b"", PACKET.buffer]
            assert not any(player.done() for player in players)
        for player in players:
            player.cancel()
        await asyncio.wait(players)


async def test_no_process_is_started_for_clients_that_leave_before_its_turn(started: Starts) -> None:
    provided = services()
    live = live_streams(provided)
    async with all_turns_taken(provided) as turns:
        live.receive("client", PACKET)
        async with running(live):
            await settle()
            live.leave("client")
            await turns[0].aclose()
            await settle()
            assert started == []
            live.receive("other", PACKET)
            await settle()
            assert len(started) == 1


async def test_a_process_whose_client_leaves_while_it_starts_is_not_ended_while_it_opens_its_ports(
    started: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_manager.live.streams.TICK_S", 0.02)
    live = live_streams(services())
    live.receive("client", PACKET)
    started.may_start.clear()
    async with running(live):
        await settle()
        live.leave("client")
        started.may_start.set()
        await asyncio.sleep(0.2)  # several ticks, much less than LINGER_S
        assert [process.has_ended for process in started] == [False]


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
    live = live_streams(provided)
    live.receive("client", PACKET)
    await graph.lose_server()  # no process is started for its port
    async with running(live):
        await eventually_async(lambda: not live.statuses())
    assert ledger.has_failed
    assert "ZeroDivisionError" in caplog.text
