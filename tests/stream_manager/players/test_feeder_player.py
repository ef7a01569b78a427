"""The feeder player: what it repeats how, and what it says about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from stream_manager.media import Media, make_track
from stream_manager.players.base import PlayerReports
from stream_manager.players.feeder import FeederPlayer
from stream_manager.players.feeder_progress import FeederProgress
from tests.stream_manager.jack_support import following
from tests.support.jack import JackServer, jack_server
from tests.support.recorder import record, unbroken
from tests.support.services import play_request, services
from tests.support.sound import BASE_HZ, write_tones
from tests.support.web import Framing, web_server_without_lengths
from tidzam.gaps import GapReason
from tidzam.jack.feeder_protocol import FeederStatus, Pacing


class Reports:
    """What a player has reported."""

    def __init__(self) -> None:
        self.gaps: list[tuple[GapReason, float]] = []
        self.drifts: list[float] = []
        self.overruns = 0
        self.reports = PlayerReports(
            gap=lambda reason, seconds: self.gaps.append((reason, seconds)),
            corrupt=lambda: None,
            drift=self.drifts.append,
            overrun=self._count,
        )

    def _count(self) -> None:
        self.overruns += 1


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


@pytest.mark.unit
async def test_an_underrun_is_reported_with_its_length_when_audio_comes_again() -> None:
    reported = Reports()
    progress = FeederProgress(reported.reports, Pacing.PUSH)
    progress.read(FeederStatus(jack_rate_hz=1000, played_frames=10, first_frame=0))
    progress.read(FeederStatus(jack_rate_hz=1000, underruns=1, underrun_frames=200, starving=True, first_frame=0))
    assert not reported.gaps
    progress.read(FeederStatus(jack_rate_hz=1000, underruns=1, underrun_frames=500, first_frame=0))
    assert reported.gaps == [(GapReason.NETWORK, 0.5)]


@pytest.mark.unit
async def test_the_drift_is_reported_when_it_is_known_and_when_it_changes() -> None:
    reported = Reports()
    progress = FeederProgress(reported.reports, Pacing.PUSH)
    for drift_ppm in (None, 12.5, 12.5, 13.0):
        progress.read(FeederStatus(jack_rate_hz=1000, drift_ppm=drift_ppm))
    assert reported.drifts == [12.5, 13.0]


@pytest.mark.unit
async def test_each_overrun_is_reported_once() -> None:
    reported = Reports()
    progress = FeederProgress(reported.reports, Pacing.PUSH)
    for overruns in (0, 2, 2, 3):
        progress.read(FeederStatus(jack_rate_hz=1000, overruns=overruns))
    assert reported.overruns == 3


@pytest.mark.unit
async def test_the_position_is_what_has_been_played() -> None:
    progress = FeederProgress(Reports().reports, Pacing.PULL)
    assert progress.position_s() is None
    progress.read(FeederStatus(jack_rate_hz=1000))
    assert progress.position_s() is None
    progress.read(FeederStatus(jack_rate_hz=1000, first_frame=7, played_frames=2500))
    assert progress.position_s() == 2.5


@pytest.mark.unit
async def test_a_file_whose_decoder_delivers_nothing_does_not_answer() -> None:
    progress = FeederProgress(Reports().reports, Pacing.PULL)
    progress.read(FeederStatus(jack_rate_hz=1000, first_frame=0, starving=True))
    with pytest.raises(TimeoutError, match="decoder"):
        progress.position_s()


@pytest.mark.unit
async def test_the_first_report_ends_the_turn_in_which_the_client_is_opened() -> None:
    shared = services()
    track = make_track(play_request(), Media("/pond.wav", 1, 48000, None))
    player = FeederPlayer(track, shared, Reports().reports)
    async with shared.openings.turn(track.source), shared.openings.turn("reed"):
        third = asyncio.create_task(shared.openings.turn("bog").__aenter__())
        await asyncio.sleep(0)
        assert not third.done()
        player._read_status(FeederStatus(jack_rate_hz=48000))
        async with asyncio.timeout(1):
            await third


@pytest.mark.parametrize("framing", get_args(Framing))
async def test_a_file_whose_server_states_no_length_is_played_to_its_end(
    jack: JackServer, tmp_path: Path, framing: Framing
) -> None:
    write_tones(tmp_path / "pond.ogg", 1, seconds=2)
    with web_server_without_lengths(tmp_path, framing) as host_and_port:
        request = play_request(f"http://{host_and_port}/pond.ogg", name=framing)
        async with following(jack) as graph:
            shared = services(graph, env=jack.env)
            track = make_track(request, await FeederPlayer.inspect(request, shared))
            player = FeederPlayer(track, shared, Reports().reports)
            await player.play()
            assert await player.position_s() == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("seconds", [1, 3])
async def test_a_loop_has_no_gap_however_long_its_file_is(jack: JackServer, tmp_path: Path, seconds: int) -> None:
    path = write_tones(tmp_path / f"{seconds}.flac", 1, seconds=seconds)
    request = play_request(str(path), name=f"loop{seconds}", loop=True)
    async with following(jack) as graph:
        shared = services(graph, env=jack.env)
        track = make_track(request, await FeederPlayer.inspect(request, shared))
        playing = asyncio.create_task(FeederPlayer(track, shared, Reports().reports).play())
        await graph.until(lambda known: track.ports <= known.ports)
        recording = await asyncio.to_thread(record, jack, sorted(track.ports), tmp_path, seconds=seconds + 2.0)
        playing.cancel()
        await asyncio.wait([playing])
    assert unbroken(recording, BASE_HZ)
