"""The output that records, with a real JACK server: what is recorded is what was played, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile

from stream_manager.outputs.recorder import RecorderOutput
from stream_manager.recorder.control import RecordingControl
from stream_manager.recorder.events import Lost
from stream_manager.services import Services
from tests.stream_manager.jack_support import following
from tests.support.eventually import eventually_async
from tests.support.frame_codes import RAMP, RAMP_STEPS
from tests.support.jack import JackServer, jack_server
from tests.support.player import playing
from tests.support.services import services, source_settings
from tidzam.errors import ConfigError
from tidzam.naming import RECORDER_SUFFIX
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server(rate_hz=48000) as server:
        yield server


class RunningRecorder:
    """A source `pond` that is recorded as `settings` say."""

    def __init__(self, folder: Path, shared: Services, channels: int = 1, **settings: Any) -> None:
        self.folder, self.shared, self.control = folder, shared, shared.recordings
        self.source = source_settings(record={"path": folder, "format": "wav", "length_s": 2, **settings})
        self.output = RecorderOutput(self.source, channels, shared)

    @property
    def state(self) -> str:
        status = self.control.status(self.source)
        assert status is not None
        return status.state

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("pond-*"))

    def parts(self) -> list[Path]:
        return list(self.folder.glob(".*.part*"))

    async def until_recording(self) -> None:
        before = self.output.sent_bytes
        await eventually_async(lambda: self.state == "recording" and self.output.sent_bytes > before)

    async def until_files(self, count: int) -> None:
        await eventually_async(lambda: len(self.files()) >= count)

    def process(self) -> psutil.Process:
        children = psutil.Process().children(recursive=True)
        return next(child for child in children if "stream_manager.recorder" in child.cmdline())

    def encoder(self) -> psutil.Process:
        return next(child for child in self.process().children() if child.name() == "ffmpeg")


@asynccontextmanager
async def recording(
    jack: JackServer, folder: Path, channels: int = 1, **settings: Any
) -> AsyncIterator[RunningRecorder]:
    async with following(jack, output_suffixes=(RECORDER_SUFFIX,)) as graph:
        running = RunningRecorder(folder, services(graph, env=jack.env), channels, **settings)
        task = asyncio.create_task(running.output.run())
        try:
            yield running
        finally:
            task.cancel()
            await asyncio.wait([task])


def is_one_ramp(samples: Float32) -> bool:
    """Whether samples are those of `ramp`, but for silence before it and where JACK has skipped frames."""
    codes = np.round(samples * RAMP_STEPS).astype(int)
    offsets = (codes - np.arange(len(codes)))[codes != 0] % RAMP_STEPS
    return len(offsets) > 0 and bool((offsets == offsets[0]).all())


def joined(files: list[Path]) -> Float32:
    return np.concatenate([soundfile.read(path, dtype="float32")[0] for path in files])


@pytest.mark.parametrize("kind", ["wav", "flac"])
async def test_three_files_hold_every_sample_that_was_played_once(jack: JackServer, tmp_path: Path, kind: str) -> None:
    with playing(jack, "pond", RAMP):
        async with recording(jack, tmp_path, format=kind, length_s=1) as recorder:
            await recorder.until_files(4)
    files = recorder.files()
    assert is_one_ramp(joined(files))
    assert [soundfile.info(path).frames for path in files[1:3]] == pytest.approx([48000, 48000], abs=20)


async def test_a_killed_recorder_is_replaced_and_its_file_repaired(jack: JackServer, tmp_path: Path) -> None:
    with playing(jack, "pond", RAMP):
        async with recording(jack, tmp_path, length_s=3600) as recorder:
            await recorder.until_recording()
            recorder.process().kill()
            await recorder.until_files(1)
            await recorder.until_recording()
            (repaired,) = recorder.files()
    assert is_one_ramp(joined([repaired]))
    assert len(recorder.files()) == 2
    assert not recorder.parts()


async def test_a_killed_encoder_costs_no_sample(jack: JackServer, tmp_path: Path) -> None:
    with playing(jack, "pond", RAMP):
        async with recording(jack, tmp_path, length_s=3600) as recorder:
            await eventually_async(lambda: recorder.control.counters("pond").seconds > 4)
            recorder.encoder().kill()
            await recorder.until_files(1)
            await recorder.until_recording()
    assert len(recorder.files()) == 2
    assert is_one_ramp(joined(recorder.files()))


async def test_a_recorder_that_hangs_is_replaced(
    jack: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_manager.outputs.recorder.BEAT_TIMEOUT_S", 2.0)
    with playing(jack, "pond", RAMP):
        async with recording(jack, tmp_path, length_s=3600) as recorder:
            await recorder.until_recording()
            old = recorder.process()
            old.suspend()
            await eventually_async(lambda: not old.is_running())
            await recorder.until_files(1)
            await recorder.until_recording()
    assert len(recorder.files()) == 2


async def test_recording_is_switched_off_and_on(jack: JackServer, tmp_path: Path) -> None:
    with playing(jack, "pond", RAMP):
        async with recording(jack, tmp_path, length_s=3600) as recorder:
            await recorder.until_recording()
            await recorder.control.switch(recorder.source, on=False)
            await recorder.until_files(1)
            await eventually_async(lambda: not recorder.shared.graph.has_client("pond-rec"))
            assert not recorder.output.faults()
            await recorder.control.switch(recorder.source, on=True)
            await recorder.until_recording()
    assert len(recorder.files()) == 2
    assert all(is_one_ramp(joined([path])) for path in recorder.files())


async def test_a_file_is_completed_when_jack_ends_and_another_begins_when_it_is_back(tmp_path: Path) -> None:
    with jack_server(rate_hz=48000) as jack:
        async with recording(jack, tmp_path, length_s=3600) as recorder:
            with playing(jack, "pond", RAMP):
                await recorder.until_recording()
                jack.kill()
                await recorder.until_files(1)
            jack.start()
            with playing(jack, "pond", RAMP):
                await recorder.until_recording()
    assert len(recorder.files()) == 2


async def test_flac_with_more_than_eight_channels_is_refused_with_the_remedy(tmp_path: Path) -> None:
    running = RunningRecorder(tmp_path, services(), 30, format="flac")
    task = asyncio.create_task(running.output.run())
    await eventually_async(lambda: running.state == "paused")
    (fault,) = running.output.faults()
    task.cancel()
    await asyncio.wait([task])
    assert fault.code == "recording_channels"
    assert "Set `record.format` to opus or wav." in fault.message


def test_losses_many_times_per_second_are_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    running = RunningRecorder(tmp_path, services())
    for second in range(100):
        running.output._take(Lost(1_700_000_000 + second, 0.02, "xrun"))
    assert [record.getMessage() for record in caplog.records] == [
        "pond: 0.020 s are missing in the recording, the last of them from 22:13:20 UTC on (xrun)"
    ]


async def test_nothing_runs_while_recording_is_switched_off(tmp_path: Path) -> None:
    running = RunningRecorder(tmp_path, services(), enabled=False)
    task = asyncio.create_task(running.output.run())
    await asyncio.sleep(0)
    assert (running.state, running.output.faults()) == ("off", ())
    task.cancel()
    await asyncio.wait([task])
    assert isinstance(running.control, RecordingControl)
    assert not running.files()


def test_a_source_without_settings_for_recordings_cannot_be_recorded() -> None:
    with pytest.raises(ConfigError, match="no settings `record`"):
        RecorderOutput(source_settings(), 1, services())
