"""What `stream_manager.players.base.Player` promises, of every built-in player."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stream_manager.media import Media, PlayRequest, Track, make_track
from stream_manager.players.base import Player, PlayerReports
from stream_manager.players.registry import PLAYERS, PlayerType
from stream_manager.services import Services
from tests.stream_manager.jack_support import following
from tests.support.jack import JackServer, jack_server
from tests.support.services import play_request, services

pytestmark = pytest.mark.timeout(60)
REPORTS = PlayerReports(gap=lambda: None, corrupt=lambda: None)


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


@pytest.fixture(params=PLAYERS.built_in)
def player_type(request: pytest.FixtureRequest) -> PlayerType:
    found: PlayerType = PLAYERS.load(request.param)
    return found


def recording(folder: Path, duration_s: float) -> str:
    """A stereo file of noise."""
    path = folder / f"{duration_s:g}.wav"
    samples = np.random.default_rng(1).normal(0, 0.1, (round(duration_s * 44100), 2))
    soundfile.write(path, samples, 44100)
    return str(path)


@asynccontextmanager
async def services_on(jack: JackServer) -> AsyncIterator[Services]:
    async with following(jack) as graph:
        yield services(graph, env=jack.env)


async def prepared(player_type: PlayerType, request: PlayRequest, shared: Services) -> Track:
    track = make_track(request, await player_type.inspect(request, shared))
    assert player_type.refusal(track) is None
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


async def test_inspect_finds_channels_rate_and_duration(player_type: PlayerType, tmp_path: Path) -> None:
    media = await player_type.inspect(play_request(recording(tmp_path, 1.0)), services())
    assert (media.channels, media.rate_hz, media.duration_s) == (2, 44100, 1.0)


async def test_play_registers_the_ports_and_returns_at_the_end(
    player_type: PlayerType, jack: JackServer, tmp_path: Path
) -> None:
    async with services_on(jack) as shared:
        track = await prepared(player_type, play_request(recording(tmp_path, 1.0), (1, 0)), shared)
        async with playing(player_type, track, shared) as (_, task):
            await task
        await shared.graph.until(lambda graph: not graph.has_client("pond"))


async def test_the_position_changes_during_play(player_type: PlayerType, jack: JackServer, tmp_path: Path) -> None:
    async with services_on(jack) as shared:
        track = await prepared(player_type, play_request(recording(tmp_path, 1.0), name="lake", loop=True), shared)
        async with playing(player_type, track, shared) as (player, _):
            positions: set[float | None] = set()
            while len(positions) < 3:
                positions.add(await player.position_s())
                await asyncio.sleep(0.1)


async def test_a_cancelled_player_leaves_no_port(player_type: PlayerType, jack: JackServer, tmp_path: Path) -> None:
    async with services_on(jack) as shared:
        track = await prepared(player_type, play_request(recording(tmp_path, 1.0), name="bog", loop=True), shared)
        async with playing(player_type, track, shared) as (_, task):
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
        await shared.graph.until(lambda graph: not graph.has_client("bog"))


async def test_a_killed_player_leaves_no_port(player_type: PlayerType, jack: JackServer, tmp_path: Path) -> None:
    async with services_on(jack) as shared:
        track = await prepared(player_type, play_request(recording(tmp_path, 1.0), name="fen", loop=True), shared)
        async with playing(player_type, track, shared) as (player, task):
            player.kill()
            task.cancel()
            await asyncio.wait([task])
        await shared.graph.until(lambda graph: not graph.has_client("fen"))


def test_a_player_that_has_not_started_can_be_killed(player_type: PlayerType) -> None:
    track = make_track(play_request("/pond.wav"), Media("/pond.wav", 2, 44100, 1.0))
    player_type(track, services(), REPORTS).kill()


def test_the_methods_have_the_parameters_of_the_contract(player_type: PlayerType) -> None:
    for name in ("__init__", "inspect", "refusal", "play", "position_s", "kill"):
        expected = list(inspect.signature(getattr(Player, name)).parameters)
        assert list(inspect.signature(getattr(player_type, name)).parameters) == expected, name
