"""What `stream_manager.players.base.Player` promises, of every built-in player."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stream_manager.media import Media, PlayRequest, Track, make_track
from stream_manager.players.base import Player, PlayerReports
from stream_manager.players.registry import PLAYERS, PlayerType
from stream_manager.recordings.database import DatabaseOptions, RecordingDatabase
from stream_manager.replay import Replay
from stream_manager.services import Services
from tests.stream_manager.jack_support import following
from tests.support.jack import JackServer, jack_server
from tests.support.recordings import RATE_HZ, START, write_recording
from tests.support.services import SimulatedGraph, play_request, services, source_settings

pytestmark = pytest.mark.timeout(60)
REPORTS = PlayerReports(gap=lambda reason, seconds: None, corrupt=lambda: None)


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


@dataclass(frozen=True)
class Case:
    """A built-in player, and a request that gives it two channels to play: `request(folder, name, loop)`.

    `duration_s` is that of its media; None if it has no end.
    """

    player: str
    request: Callable[[Path, str, bool], PlayRequest]
    duration_s: float | None = None

    @property
    def type(self) -> PlayerType:
        found: PlayerType = PLAYERS.load(self.player)
        return found


def recorded(folder: Path, name: str, loop: bool) -> PlayRequest:
    """A stereo file of one second of noise."""
    path = folder / "noise.wav"
    soundfile.write(path, np.random.default_rng(1).normal(0, 0.1, (44100, 2)), 44100)
    return play_request(str(path), name=name, loop=loop)


def generated(signal: str) -> Callable[[Path, str, bool], PlayRequest]:
    def request(folder: Path, name: str, loop: bool) -> PlayRequest:
        return PlayRequest(source_settings(name, url=None, **{signal: {"channels": 2}}), "")

    return request


def captured(folder: Path, name: str, loop: bool) -> PlayRequest:
    """The two capture ports of the dummy driver."""
    return PlayRequest(source_settings(name, url=None, input={}), "")


def replayed(folder: Path, name: str, loop: bool) -> PlayRequest:
    """A stereo recording of ten seconds."""
    write_recording(folder, np.random.default_rng(1).normal(0, 0.1, (10 * RATE_HZ, 2)).astype(np.float32))
    database = RecordingDatabase(DatabaseOptions("pond", folder, frozenset({"pond"}), UTC))
    database.index.fill({path.name: START.replace(tzinfo=None) for path in folder.iterdir()}, lambda name: None)
    database.ready.set()
    return replace(play_request(name=name), url="", replay=Replay.of(database, START))


CASES = (
    Case("mpv", recorded, 1.0),
    Case("feeder", recorded, 1.0),
    Case("tone", generated("tone")),
    Case("noise", generated("noise")),
    Case("silence", generated("silence")),
    Case("input", captured),
    Case("replay", replayed),
)


@pytest.fixture(params=CASES, ids=lambda case: case.player)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(params=[case for case in CASES if case.duration_s is not None], ids=lambda case: case.player)
def ending(request: pytest.FixtureRequest) -> Case:
    """A player of media that end."""
    found: Case = request.param
    return found


def test_every_built_in_player_is_tested() -> None:
    assert {case.player for case in CASES} == set(PLAYERS.built_in)


@asynccontextmanager
async def services_on(jack: JackServer) -> AsyncIterator[Services]:
    async with following(jack) as graph:
        yield services(graph, env=jack.env)


async def prepared(case: Case, request: PlayRequest, shared: Services) -> Track:
    track = make_track(request, await case.type.inspect(request, shared))
    assert case.type.refusal(track) is None
    return track


@asynccontextmanager
async def playing(
    player_type: PlayerType, track: Track, shared: Services
) -> AsyncIterator[tuple[Player, asyncio.Task[None]]]:
    """A player whose ports exist."""
    player = player_type(track, shared, REPORTS)
    task = asyncio.create_task(player.play())
    try:
        await shared.graph.until(lambda graph: track.ports <= graph.ports)
        yield player, task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_inspect_finds_channels_rate_and_duration(case: Case, tmp_path: Path) -> None:
    graph = SimulatedGraph()
    await graph.add(["system:capture_1", "system:capture_2"])
    media = await case.type.inspect(case.request(tmp_path, "pond", False), services(graph))
    assert (media.channels, media.rate_hz, media.duration_s) == (2, 44100, case.duration_s)


async def test_play_registers_the_ports_and_returns_at_the_end(ending: Case, jack: JackServer, tmp_path: Path) -> None:
    async with services_on(jack) as shared:
        request = replace(ending.request(tmp_path, "pond", False), channels=(1, 0))
        track = await prepared(ending, request, shared)
        async with playing(ending.type, track, shared) as (_, task):
            await task
        await shared.graph.until(lambda graph: not graph.has_client("pond"))


async def test_the_position_changes_during_play(case: Case, jack: JackServer, tmp_path: Path) -> None:
    async with services_on(jack) as shared:
        track = await prepared(case, case.request(tmp_path, "lake", True), shared)
        async with playing(case.type, track, shared) as (player, _):
            positions: set[float | None] = set()
            while len(positions) < 3:
                positions.add(await player.position_s())
                await asyncio.sleep(0.1)


async def test_a_cancelled_player_leaves_no_port(case: Case, jack: JackServer, tmp_path: Path) -> None:
    async with services_on(jack) as shared:
        track = await prepared(case, case.request(tmp_path, "bog", True), shared)
        async with playing(case.type, track, shared) as (_, task):
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
        await shared.graph.until(lambda graph: not graph.has_client("bog"))


async def test_a_killed_player_leaves_no_port(case: Case, jack: JackServer, tmp_path: Path) -> None:
    async with services_on(jack) as shared:
        track = await prepared(case, case.request(tmp_path, "fen", True), shared)
        async with playing(case.type, track, shared) as (player, task):
            player.kill()
            task.cancel()
            await asyncio.wait([task])
        await shared.graph.until(lambda graph: not graph.has_client("fen"))


def test_a_player_that_has_not_started_can_be_killed(case: Case, tmp_path: Path) -> None:
    request = case.request(tmp_path, "pond", False)
    track = make_track(request, Media(request.url, 2, 44100, case.duration_s))
    case.type(track, services(), REPORTS).kill()


def test_the_methods_have_the_parameters_of_the_contract(case: Case) -> None:
    for name in ("__init__", "inspect", "refusal", "play", "position_s", "kill"):
        expected = list(inspect.signature(getattr(Player, name)).parameters)
        assert list(inspect.signature(getattr(case.type, name)).parameters) == expected, name
