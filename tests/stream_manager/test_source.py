"""A source with a player that does not keep its contract."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stream_manager.media import Media, PlayRequest, Track
from stream_manager.players.base import PlayerReports
from stream_manager.services import Services
from stream_manager.source import Source
from stream_manager.source_registry import SourceEntry
from tests.support.eventually import eventually_async
from tests.support.services import SimulatedGraph, services
from tidzam.config import SourceSettings
from tidzam.protocol.stream_manager import SourceState

pytestmark = pytest.mark.timeout(20)


class WorkingPlayer:
    """Plays a stream without end."""

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        assert isinstance(services.graph, SimulatedGraph)
        self._track, self._graph = track, services.graph

    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        return Media(request.url, 1, 44100, None)

    @staticmethod
    def refusal(track: Track) -> None:
        return None

    async def play(self) -> None:
        await self._graph.add(self._track.ports)
        try:
            await asyncio.Event().wait()
        finally:
            await self._graph.remove(self._track.ports)

    async def position_s(self) -> float | None:
        return asyncio.get_running_loop().time()

    def kill(self) -> None:
        pass


class RaisesInInspect(WorkingPlayer):
    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        raise ZeroDivisionError("no luck")


class RaisesInConstructor(WorkingPlayer):
    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        raise ZeroDivisionError("no luck")


class RaisesInPlay(WorkingPlayer):
    async def play(self) -> None:
        raise ZeroDivisionError("no luck")


class RaisesWhileItPlays(WorkingPlayer):
    async def play(self) -> None:
        await self._graph.add(self._track.ports)
        await self._graph.remove(self._track.ports)
        raise ZeroDivisionError("no luck")


class RaisesInPosition(WorkingPlayer):
    async def position_s(self) -> float | None:
        raise ZeroDivisionError("no luck")


def source(name: str, player: Any, shared: Services, *, permanent: bool = True) -> Source:
    settings = SourceSettings(name=name, player="test", is_permanent=permanent)
    return Source(SourceEntry(settings), "", shared, players={"test": player}, outputs={})


@pytest.mark.parametrize("player", [RaisesInInspect, RaisesInConstructor, RaisesInPlay, RaisesWhileItPlays])
async def test_a_raising_player_is_counted_and_restarted_and_other_sources_play_on(player: Any) -> None:
    shared = services()
    broken, working = source("broken", player, shared), source("working", WorkingPlayer, shared)
    tasks = [asyncio.create_task(one.run()) for one in (broken, working)]
    await eventually_async(lambda: broken.player_errors >= 2)
    assert broken.status().restarts >= 1
    assert broken.status().code == "internal"
    assert working.status().state is SourceState.PLAYING
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_an_exception_of_position_s_is_contained() -> None:
    shared = services()
    broken = source("broken", RaisesInPosition, shared, permanent=False)
    await broken.run()
    assert (broken.player_errors, broken.status().state, broken.status().code) == (1, SourceState.FAILED, "internal")
    assert not shared.graph.ports


async def test_a_working_player_is_not_counted() -> None:
    shared = services()
    working = source("working", WorkingPlayer, shared)
    running = asyncio.create_task(working.run())
    await working.settled()
    assert working.status().ok
    running.cancel()
    await asyncio.wait([running])
    assert working.player_errors == 0
    assert not shared.graph.ports
