"""One run of a player, supervised, with a scripted player and a simulated JACK graph."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from stream_manager import playback
from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.liveness import LivenessLimits
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.playback import PlaybackReports, play
from stream_manager.players.base import PlayerReports
from stream_manager.services import Services
from stream_manager.source_state import SourceEvent
from tests.support.services import SimulatedGraph, play_request, services, source_settings
from tidzam.naming import port_name

pytestmark = pytest.mark.timeout(20)
FILE = Track(play_request("/pond.wav"), Media("/pond.wav", 1, 44100, duration_s=0.5))
LIMITS = LivenessLimits(
    start_timeout_s=20, player_timeout_s=0.5, no_data_timeout_s=30, silent_after_s=10, unhealthy_timeout_s=None
)


class BriefPlayer:
    """A player without ports that has ended before anybody could notice that it plays."""

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        self._has_played = False

    async def play(self) -> None:
        self._has_played = True

    async def position_s(self) -> float | None:
        return 0.0 if self._has_played else None

    def kill(self) -> None: ...


class ScriptedPlayer:
    """Registers its ports, waits for `ended`, and then raises `error`, if any."""

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        assert isinstance(services.graph, SimulatedGraph)
        self._ports, self._graph, self.reports = track.ports, services.graph, reports
        self.ended, self.error, self.was_killed = asyncio.Event(), None, False
        made.append(self)

    error: Exception | None

    async def play(self) -> None:
        await self._graph.add(self._ports)
        try:
            await self.ended.wait()
        finally:
            await self._graph.remove(self._ports)
        if self.error is not None:
            raise self.error

    async def position_s(self) -> float | None:
        return 1.0  # it never changes

    def kill(self) -> None:
        self.was_killed = True


made: list[ScriptedPlayer] = []
"""The last one is that of the running test."""


async def run(
    track: Track = FILE, *, once_started: Callable[[ScriptedPlayer], None], graph: SimulatedGraph | None = None
) -> tuple[SourceEvent, SourceFailure | None]:
    reports = PlaybackReports(
        started=lambda: once_started(made[-1]), gap=lambda reason, seconds: None, silence=lambda begins: None
    )
    return await play(ScriptedPlayer, track, services(graph), LIMITS, reports)  # type: ignore[arg-type]


def end(player: ScriptedPlayer, error: Exception | None = None) -> None:
    player.error = error
    player.ended.set()


async def test_the_end_of_the_media_is_an_end() -> None:
    assert await run(once_started=end) == (SourceEvent.ENDED, None)


async def test_the_end_of_a_live_stream_has_a_reason() -> None:
    track = Track(play_request("http://host/live"), Media("http://host/live", 1, 44100, duration_s=None))
    event, failure = await run(track, once_started=end)
    assert event is SourceEvent.ENDED
    assert failure is not None
    assert failure.fault is SourceFault.STREAM_ENDED


async def test_a_stream_that_its_server_has_ended_is_an_end() -> None:
    reason = SourceFailure(SourceFault.STREAM_ENDED, "Input/output error")
    assert await run(once_started=lambda player: end(player, PlaybackError(reason))) == (SourceEvent.ENDED, reason)


async def test_what_is_copied_may_be_brief() -> None:
    request = PlayRequest(source_settings(url="/pond.ogg", format="copy"), "/pond.ogg")
    track = Track(request, Media("/pond.ogg", 1, 44100, duration_s=0.1))
    started: list[Track] = []
    reports = PlaybackReports(
        started=lambda: started.append(track), gap=lambda reason, seconds: None, silence=lambda begins: None
    )
    outcome = await play(BriefPlayer, track, services(), LIMITS, reports)  # type: ignore[arg-type]
    assert outcome == (SourceEvent.ENDED, None)
    assert started == [track]


async def test_a_player_with_more_ports_than_the_track_is_replaced() -> None:
    graph = SimulatedGraph()
    tasks: list[asyncio.Task[None]] = []

    def widen(player: ScriptedPlayer) -> None:
        tasks.append(asyncio.create_task(graph.add([port_name("pond", 1)])))

    event, failure = await run(once_started=widen, graph=graph)
    assert event is SourceEvent.FAILED
    assert failure == SourceFailure(SourceFault.FORMAT_CHANGED)


async def test_a_file_that_ends_early_is_truncated() -> None:
    track = Track(FILE.request, Media("/pond.wav", 1, 44100, duration_s=60.0))
    event, failure = await run(track, once_started=end)
    assert event is SourceEvent.ENDED
    assert failure is not None
    assert failure.fault is SourceFault.TRUNCATED


async def test_a_file_of_which_a_part_cannot_be_decoded_is_truncated() -> None:
    def corrupt(player: ScriptedPlayer) -> None:
        player.reports.corrupt()
        end(player)

    _, failure = await run(once_started=corrupt)
    assert failure is not None
    assert failure.fault is SourceFault.TRUNCATED


async def test_the_failure_that_a_player_raises_is_reported() -> None:
    reason = SourceFailure(SourceFault.DIED, "signal 9")
    outcome = await run(once_started=lambda player: end(player, PlaybackError(reason)))
    assert outcome == (SourceEvent.FAILED, reason)


async def test_another_exception_of_a_player_is_raised_once_its_ports_are_gone() -> None:
    graph = SimulatedGraph()
    with pytest.raises(ZeroDivisionError):
        await run(once_started=lambda player: end(player, ZeroDivisionError()), graph=graph)
    assert not graph.ports


async def test_a_player_that_hangs_is_killed() -> None:
    event, failure = await run(once_started=lambda player: None)
    assert event is SourceEvent.FAILED
    assert failure is not None
    assert failure.fault is SourceFault.HUNG
    assert made[-1].was_killed


async def test_a_player_whose_server_is_gone_is_killed() -> None:
    graph = SimulatedGraph()
    tasks: list[asyncio.Task[None]] = []

    def lose(player: ScriptedPlayer) -> None:
        tasks.append(asyncio.create_task(graph.lose_server()))

    assert await run(once_started=lose, graph=graph) == (SourceEvent.JACK_LOST, None)
    assert made[-1].was_killed


async def test_a_name_that_another_client_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "NAME_TIMEOUT_S", 0.1)
    graph = SimulatedGraph()
    await graph.add(["pond:other"])
    outcome = await run(once_started=end, graph=graph)
    assert outcome == (SourceEvent.FAILED, SourceFailure(SourceFault.NAME_TAKEN))
