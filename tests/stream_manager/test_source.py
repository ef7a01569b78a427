"""A source with a player that does not keep its contract."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.network.guard_proxy import GuardProxy
from stream_manager.players.base import PlayerReports
from stream_manager.services import Services
from stream_manager.source import Source
from stream_manager.source_registry import FORMER_CLIENT, SourceEntry
from stream_manager.source_state import SourceEvent
from tests.support.eventually import eventually_async
from tests.support.services import SimulatedGraph, services
from tidzam.config import SourceSettings
from tidzam.protocol.source_status import SourceState

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


def source(name: str, player: Any, shared: Services, *, permanent: bool = True, **options: Any) -> Source:
    settings = SourceSettings(name=name, player="test", is_permanent=permanent)
    return Source(SourceEntry(settings), "", shared, players={"test": player}, outputs={}, **options)


@asynccontextmanager
async def running(*sources: Source) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one.run()) for one in sources]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.mark.parametrize("player", [RaisesInInspect, RaisesInConstructor, RaisesInPlay, RaisesWhileItPlays])
async def test_a_raising_player_is_counted_and_restarted_and_other_sources_play_on(player: Any) -> None:
    shared = services()
    broken, working = source("broken", player, shared), source("working", WorkingPlayer, shared)
    async with running(broken, working):
        await eventually_async(lambda: broken.player_errors >= 2)
        assert broken.status().restarts >= 1
        assert broken.status().code == "internal"
        assert working.status().state is SourceState.PLAYING


async def test_an_exception_of_position_s_is_contained() -> None:
    shared = services()
    broken = source("broken", RaisesInPosition, shared, permanent=False)
    await broken.run()
    assert (broken.player_errors, broken.status().state, broken.status().code) == (1, SourceState.FAILED, "internal")
    assert not shared.graph.ports


async def test_a_working_player_is_not_counted() -> None:
    shared = services()
    working = source("working", WorkingPlayer, shared)
    async with running(working):
        await working.settled()
        assert working.status().ok
    assert working.player_errors == 0
    assert not shared.graph.ports


class FailsAtOnce(WorkingPlayer):
    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        raise PlaybackError(SourceFailure(SourceFault.UNREACHABLE, "Connection refused"))


AT_ONCE = {"first_delay_s": 1e-6, "max_delay_s": 1e-6}


async def test_1000_retries_of_a_dead_source_write_few_lines_and_another_plays_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    shared = services(healing=AT_ONCE)
    dead, working = source("dead", FailsAtOnce, shared), source("working", WorkingPlayer, shared)
    async with running(dead, working):
        await eventually_async(lambda: dead.playback.restarts >= 1000)
        assert [one.event for one in working.history] == [SourceEvent.STARTED]
    assert len([record for record in caplog.records if record.message.startswith(("dead", "Source dead"))]) < 20


async def test_the_history_tells_what_happened_and_why() -> None:
    failing = source("failing", FailsAtOnce, services(healing={"first_delay_s": 0.05}))
    async with running(failing):
        await eventually_async(lambda: failing.playback.restarts >= 2)
    first, second, *_ = failing.history
    assert (first.before, first.event, first.after) == (SourceState.LOADING, SourceEvent.FAILED, SourceState.WAITING)
    assert first.reason == SourceFailure(SourceFault.UNREACHABLE, "Connection refused")
    assert (second.before, second.event) == (SourceState.WAITING, SourceEvent.RETRY_DUE)


async def test_a_jump_of_the_clock_does_not_delay_a_retry() -> None:
    times = iter(datetime(2026, 5, 1, tzinfo=UTC) - timedelta(days=number) for number in range(100_000))
    failing = source("failing", FailsAtOnce, services(healing=AT_ONCE), clock=lambda: next(times))
    async with running(failing):
        await eventually_async(lambda: failing.playback.restarts >= 3)
    assert failing.history.count >= 6


class Widens(WorkingPlayer):
    """Ends at once, and has one more channel each time."""

    attempts = 0

    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        Widens.attempts += 1
        return Media(request.url, Widens.attempts, 44100 * Widens.attempts, None)

    async def play(self) -> None:
        await self._graph.add(self._track.ports)
        if self._track.channels == 3:
            await asyncio.Event().wait()
        await asyncio.sleep(0.05)
        await self._graph.remove(self._track.ports)


async def test_a_source_that_comes_back_with_other_channels_and_another_rate_is_probed_again() -> None:
    widening = source("widening", Widens, services(healing=AT_ONCE))
    async with running(widening):
        await eventually_async(lambda: widening.playback.restarts == 2 and widening.status().ok)
        status = widening.status()
        assert (status.channels, status.rate_hz) == (3, 3 * 44100)
        assert status.ports == ("widening:out_0", "widening:out_1", "widening:out_2")


@pytest.mark.parametrize(
    ("owner", "trusted", "private"), [("sid", True, True), ("sid", False, False), (FORMER_CLIENT, False, False)]
)
def test_what_a_clients_source_may_open_depends_on_the_token_that_it_was_loaded_with(
    owner: str, trusted: bool, private: bool
) -> None:
    allowed = _loaded_by(owner, trusted=trusted).allowed_addresses
    assert allowed is not None
    assert allowed.allow_private is private


def test_the_profiles_own_source_may_open_any_address() -> None:
    assert _loaded_by(None, trusted=True).allowed_addresses is None


def _loaded_by(owner: str | None, *, trusted: bool) -> Source:
    entry = SourceEntry(SourceSettings(name="pond", url="http://h/x"), owner, trusted)
    return Source(entry, "http://h/x", services(), players={}, outputs={})


async def test_the_guard_explains_what_a_player_cannot_know() -> None:
    class RefusedByTheProxy(WorkingPlayer):
        @staticmethod
        async def inspect(request: PlayRequest, services: Services) -> Media:
            assert services.guard_pass is not None
            services.guard_pass.failure = SourceFailure(SourceFault.NOT_ALLOWED)
            raise PlaybackError(SourceFailure(SourceFault.ACCESS_DENIED, "HTTP error 403"))

    async with GuardProxy({}) as guard:
        entry = SourceEntry(SourceSettings(name="pond", url="http://h/x", is_permanent=False), "sid", trusted=False)
        source = Source(
            entry,
            "http://h/x",
            replace(services(), guard=guard),
            players={"refused": RefusedByTheProxy},
            outputs={},
        )
        await source.run()
    assert source.error is not None
    assert source.error.code == "address_not_allowed"


class MeasuresDrift(WorkingPlayer):
    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        super().__init__(track, services, reports)
        self._reports = reports

    async def position_s(self) -> float | None:
        self._reports.drift(-12.5)
        return await super().position_s()


async def test_the_drift_that_a_player_measures_is_in_the_status() -> None:
    drifting = source("drifting", MeasuresDrift, services())
    async with running(drifting):
        await eventually_async(lambda: drifting.status().drift_ppm == -12.5)
