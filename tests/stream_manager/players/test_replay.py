"""Recordings that are played from a date, as they come out of JACK."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stream_manager.media import make_track
from stream_manager.players.base import PlayerReports
from stream_manager.players.replay import ReplayPlayer
from stream_manager.recordings.databases import RecordingDatabases
from stream_manager.replay import MediaTime, Replay
from tests.stream_manager.jack_support import following
from tests.support import recorder
from tests.support.jack import JackServer, jack_server
from tests.support.recordings import FULL_SCALE, RATE_HZ, START, chirp, chirp_time_s, frame_numbers, write_recording
from tests.support.services import play_request, services
from tidzam.config import SourceSettings

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server(rate_hz=RATE_HZ) as server:
        yield server


@dataclass
class Replayed:
    """A replay that is over: what came out of JACK from the first sound on, and the times that were reported."""

    replay: Replay
    samples: recorder.Recording
    times: list[MediaTime] = field(default_factory=list)

    def spans(self) -> list[tuple[int, int]]:
        """The first and last of the numbers that follow one another in the sound, one per frame of JACK.

        Frames that the recorder has lost, on a busy machine, are not looked at: what follows is at its own frame.
        """
        tape, _ = self.samples.by_frame()
        places = np.flatnonzero(tape[:, 0] != 0)
        numbers = np.rint(tape[places, 0] * FULL_SCALE)
        places, numbers = places[~np.isnan(numbers)], numbers[~np.isnan(numbers)].astype(np.int64)
        borders = [0, *(np.flatnonzero(np.diff(numbers - places)) + 1), len(numbers)]
        return [(int(numbers[low]), int(numbers[high - 1])) for low, high in pairwise(borders)]


async def replayed(jack: JackServer, folder: Path, after_s: float) -> Replayed:
    """Replay the recordings in `folder` from `after_s` seconds after START on, and record until the player returns."""
    settings = SourceSettings(name="pond", url="x.wav", path_database=folder / "pond")
    databases = RecordingDatabases([settings])
    times: list[MediaTime] = []
    running = asyncio.create_task(databases.run())
    async with following(jack) as graph:
        shared = replace(services(graph, env=jack.env), databases=databases)
        replay = Replay.of(databases.find("pond"), START + timedelta(seconds=after_s))
        request = replace(play_request(), url="", replay=replay)
        track = make_track(request, await ReplayPlayer.inspect(request, shared))
        recording = recorder.recorder(jack, ["pond:out_0"], folder, keep_start=True)
        begun = asyncio.create_task(asyncio.to_thread(recording.__enter__))
        await graph.until(lambda g: any(port.startswith("recorder") for port in g.ports))
        await ReplayPlayer(
            track, shared, PlayerReports(lambda reason, seconds: None, lambda: None, time=times.append)
        ).play()
        samples = await begun
        await asyncio.to_thread(recording.__exit__, None, None, None)
        await graph.until(lambda g: not g.has_client("pond"))
    running.cancel()
    return Replayed(replay, samples, times)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
async def test_replay_begins_at_the_date_joins_recordings_and_skips_holes(
    jack: JackServer, tmp_path: Path, suffix: str
) -> None:
    for start_s, length_s in ((0, 2), (2, 1), (10, 1)):
        samples = frame_numbers(start_s * RATE_HZ, length_s * RATE_HZ)
        write_recording(tmp_path / "pond", samples, start_s, suffix=suffix)
    done = await replayed(jack, tmp_path, 1.25)
    assert done.spans() == [
        (round(1.25 * RATE_HZ), 3 * RATE_HZ - 1),
        (10 * RATE_HZ, 11 * RATE_HZ - 1),
    ]
    assert (done.replay.is_over, done.replay.holes, done.replay.skipped_s) == (True, 1, 7.0)
    assert time_steps_s(done.times) == [0, 7]


def time_steps_s(times: list[MediaTime]) -> list[int]:
    """By how many seconds the reported time has jumped since the first report, without repetitions."""
    first = times[0]
    passed = [(one.time - first.time).total_seconds() - (one.frame - first.frame) / RATE_HZ for one in times]
    return sorted({round(jump_s) for jump_s in passed})


async def test_an_opus_recording_begins_within_10_ms_of_the_date(jack: JackServer, tmp_path: Path) -> None:
    write_recording(tmp_path / "pond", chirp(0.0, 4.0), suffix="opus")
    done = await replayed(jack, tmp_path, 1.25)
    heard = np.flatnonzero(np.abs(done.samples.samples[:, 0]) > 0.01)[0]
    part = done.samples.samples[heard + round(0.3 * RATE_HZ) : heard + round(0.5 * RATE_HZ), 0]
    assert chirp_time_s(part) == pytest.approx(1.25 + 0.4, abs=0.01)


async def test_recordings_of_another_format_are_left_to_another_player(jack: JackServer, tmp_path: Path) -> None:
    write_recording(tmp_path / "pond", chirp(0.0, 1.0))
    write_recording(tmp_path / "pond", np.stack([chirp(1.0, 1.0)] * 2, axis=1), 1)
    done = await replayed(jack, tmp_path, 0.5)
    assert not done.replay.is_over
    assert done.replay.time_s == START.timestamp() + 1
