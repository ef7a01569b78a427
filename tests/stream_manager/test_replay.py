"""What a source plays of recordings, and what it plays after them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from stream_manager import play_queue
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.players.base import PlayerReports
from stream_manager.players.replay import replay_of
from stream_manager.recordings.database import DatabaseOptions, RecordingDatabase
from stream_manager.replay import MediaTime, Replay
from stream_manager.services import Services
from stream_manager.source import Source
from stream_manager.source_registry import SourceEntry
from tests.support.eventually import eventually_async
from tests.support.recordings import START
from tests.support.services import SimulatedGraph, services
from tidzam.config import SourceSettings
from tidzam.protocol.source_status import SourceRemark, SourceState

pytestmark = pytest.mark.timeout(20)

Behave = Callable[[Replay, PlayerReports], None]


class LivePlayer:
    """Plays a stream without end, on a simulated graph."""

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        assert isinstance(services.graph, SimulatedGraph)
        self._track, self._graph, self._reports = track, services.graph, reports

    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        return Media(request.url or "recording.wav", 1, 44100, None)

    @staticmethod
    def refusal(track: Track) -> None:
        return None

    async def play(self) -> None:
        await self._graph.add(self._track.ports)
        try:
            await self.wait()
        finally:
            await self._graph.remove(self._track.ports)

    async def wait(self) -> None:
        await asyncio.Event().wait()

    async def position_s(self) -> float | None:
        return asyncio.get_running_loop().time()

    def kill(self) -> None:
        pass


def replay_player(*runs: Behave) -> Any:
    """A player for recordings whose runs end at once, after doing what `runs` say."""
    left = list(runs)

    class ShortReplayPlayer(LivePlayer):
        async def wait(self) -> None:
            left.pop(0)(replay_of(self._track.request), self._reports)
            await asyncio.sleep(0)

    return ShortReplayPlayer


def reaches_the_present(replay: Replay, reports: PlayerReports) -> None:
    replay.is_over = True


def meets_another_format(replay: Replay, reports: PlayerReports) -> None:
    replay.time_s += 600


def empty_database() -> RecordingDatabase:
    database = RecordingDatabase(DatabaseOptions("pond", Path("/nowhere"), frozenset({"pond"}), UTC))
    database.index.fill({"pond-2026-05-01-06-30-00.wav": START.replace(tzinfo=None)}, lambda name: None)
    database.ready.set()
    return database


def replaying(players: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, player: Any) -> Source:
    monkeypatch.setattr(play_queue, "load_players", lambda name: {"replay": player})
    settings = SourceSettings(name="past", database="pond", date=START, is_permanent=False)
    return Source(
        SourceEntry(settings),
        "http://example.org/live.ogg" if players else "",
        services(),
        players=players,
        outputs={},
        replay=Replay.of(empty_database(), START),
    )


async def test_after_the_newest_recording_the_live_address_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    source = replaying({"live": LivePlayer}, monkeypatch, replay_player(reaches_the_present))
    running = asyncio.create_task(source.run())
    await eventually_async(lambda: SourceRemark.REACHED_PRESENT in source.status().remarks)
    await eventually_async(lambda: source.status().state is SourceState.PLAYING)
    assert source.status().replay is None
    running.cancel()
    await asyncio.wait([running])


async def test_without_a_live_address_the_source_ends_with_the_newest_recording(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = replaying({}, monkeypatch, replay_player(reaches_the_present))
    await source.run()
    assert source.status().state is SourceState.ENDED


async def test_recordings_of_another_format_are_played_by_another_player(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []

    def note(replay: Replay, reports: PlayerReports) -> None:
        times.append(replay.time_s)
        reaches_the_present(replay, reports)

    await replaying({}, monkeypatch, replay_player(meets_another_format, note)).run()
    assert times == [START.timestamp() + 600]


async def test_the_time_of_what_is_played_is_shown_and_forgotten_with_its_player(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[Any] = []

    def report(replay: Replay, reports: PlayerReports) -> None:
        reports.time(MediaTime(4711, START + timedelta(seconds=5)))
        shown.append(replace(replay).status())

    def look(replay: Replay, reports: PlayerReports) -> None:
        shown.append(replay.status())
        reaches_the_present(replay, reports)

    await replaying({}, monkeypatch, replay_player(report, look)).run()
    assert [(one.anchor_frame, one.anchor_time) for one in shown] == [
        (4711, START + timedelta(seconds=5)),
        (None, None),
    ]
