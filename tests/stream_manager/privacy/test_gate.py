"""Held recordings, with the real helper process and detector: nothing gets its final name with speech in it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile

from stream_manager.outputs.recorder import RecorderOutput
from stream_manager.privacy.gate import RecordingPrivacy
from stream_manager.privacy.job import HeldRecording
from stream_manager.recorder.control import RecordingControl, RecordingCounters
from stream_manager.recorder.folder import held_files
from tests.stream_manager.privacy.test_reports import START_S, event
from tests.support.eventually import eventually_async
from tests.support.services import services, source_settings
from tests.support.silero import silero_home
from tests.support.speech import with_speech
from tidzam.config.privacy import PrivacySettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.segments import SegmentIndex
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

RATE_HZ = 48000
NAME = "pond-2026-05-01-06-30-00.flac"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def noise(seconds: float = 10) -> Float32:
    return np.random.default_rng(1).standard_normal(round(seconds * RATE_HZ)).astype(np.float32) * np.float32(0.01)


class Gate:
    """A gate with clocks of its own, and a folder with one held recording of two channels."""

    def __init__(self, folder: Path, first: Float32, *, home: Path | None = None, **privacy: Any) -> None:
        self.folder, self.now_s, self.control = folder, 0.0, RecordingControl()
        self.utc_s = START_S + 3600
        self.held = folder / f".{NAME}.held"
        soundfile.write(self.held, np.stack([first, noise(len(first) / RATE_HZ)], axis=1), RATE_HZ, format="FLAC")
        os.utime(self.held, (START_S + len(first) / RATE_HZ,) * 2)
        self.settings = AnalyzerSettings(privacy=PrivacySettings(**({"detector": "silero-vad"} | privacy)))
        self.gate = RecordingPrivacy(
            self.settings,
            self.control,
            home=home or silero_home(),
            now_s=lambda: self.now_s,
            utc_s=lambda: self.utc_s,
        )

    def add(self, **fields: Any) -> None:
        self.gate.add(HeldRecording(path=self.held, root=self.folder, **fields))

    @property
    def counters(self) -> RecordingCounters:
        return self.control.counters("pond")

    def released(self) -> Float32:
        """The released recording, shape (frames, channels)."""
        samples: Float32 = soundfile.read(self.folder / NAME, dtype="float32")[0]
        return samples

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def spoken(tmp_path: Path) -> Gate:
    """Somebody speaks from the fourth second on."""
    mixed, _ = with_speech(noise(), RATE_HZ, starts_s=[4.0], snr_db=12)
    return Gate(tmp_path, mixed, report_wait_s=5)


def silent_seconds(samples: Float32) -> set[int]:
    return {second for second in range(10) if not samples[second * RATE_HZ : (second + 1) * RATE_HZ].any()}


async def test_a_recording_is_held_while_reports_may_come(spoken: Gate) -> None:
    spoken.add()
    await spoken.gate.step()
    assert spoken.names() == {spoken.held.name}
    assert spoken.counters.held == 1


async def test_without_reports_speech_is_detected_in_the_file(spoken: Gate) -> None:
    spoken.add()
    spoken.now_s = 6
    await spoken.gate.step()
    await spoken.gate.step()
    spoken.now_s = 12
    await spoken.gate.step()
    assert spoken.names() == {NAME}
    for channel in (0, 1):
        assert silent_seconds(spoken.released()[:, channel]) >= {4, 5, 6}
    assert spoken.counters.files == 1
    assert 3 < spoken.counters.muted_seconds < 8


async def test_reports_that_cover_a_recording_decide(tmp_path: Path) -> None:
    gate = Gate(tmp_path, noise(), report_wait_s=500, margin_s=0.0, scope="channel")
    gate.add()
    await gate.gate.step()
    assert gate.names() == {gate.held.name}
    for channel in ("pond:out_0", "pond:out_1"):
        heard = [(2.0, 3.0)] if channel == "pond:out_1" else []
        gate.gate.take_report(event(channel, -1, 11, *heard))
    await gate.gate.step()
    found = gate.released()
    assert silent_seconds(found[:, 0]) == set()
    assert not found[int(2.01 * RATE_HZ) : int(2.99 * RATE_HZ), 1].any()
    assert gate.counters.muted_seconds == 1.0


async def test_reports_about_some_channels_do_not_decide(spoken: Gate) -> None:
    spoken.add()
    spoken.gate.take_report(event("pond:out_1", -1, 12))
    await spoken.gate.step()
    assert silent_seconds(spoken.released()[:, 0]) >= {4, 5, 6}


async def test_after_the_clock_was_set_back_reports_do_not_decide(spoken: Gate) -> None:
    spoken.add()
    for channel in ("pond:out_0", "pond:out_1"):
        spoken.gate.take_report(event(channel, -1, 12))
    spoken.utc_s = START_S + 2
    await spoken.gate.step()
    assert silent_seconds(spoken.released()[:, 0]) >= {4, 5, 6}


async def test_reports_do_not_decide_about_a_recording_during_which_the_clock_was_set_back(spoken: Gate) -> None:
    spoken.gate.take_report(event("pond:out_0", -1, 30))
    spoken.utc_s = START_S + 5
    await spoken.gate.step()
    spoken.utc_s = START_S + 60
    for channel in ("pond:out_0", "pond:out_1"):
        spoken.gate.take_report(event(channel, -1, 12))
    spoken.add()
    await spoken.gate.step()
    assert silent_seconds(spoken.released()[:, 0]) >= {4, 5, 6}


async def test_a_recording_is_held_once_however_often_it_is_found(spoken: Gate) -> None:
    for _ in range(2):
        spoken.add()
    spoken.gate.find([(spoken.folder, None)])
    await spoken.gate.step()
    assert spoken.names() == {spoken.held.name}
    assert spoken.counters.held == 1


async def test_a_recording_that_is_gone_is_not_held(spoken: Gate) -> None:
    spoken.add()
    spoken.held.unlink()
    await spoken.gate.step()
    assert spoken.counters.held == 0


async def test_what_may_still_be_heard_of_is_not_looked_for(spoken: Gate) -> None:
    spoken.utc_s = START_S + 10 + 59
    spoken.gate.find([(spoken.folder, None)], settled_s=60)
    await spoken.gate.step()
    assert spoken.names() == {spoken.held.name}
    assert spoken.counters.held == 0


async def test_a_recording_whose_completion_was_not_heard_of_is_found_later(tmp_path: Path) -> None:
    gate = Gate(tmp_path, noise(2))
    content = gate.held.read_bytes()
    task = asyncio.create_task(gate.gate.run([(tmp_path, None)]))
    try:
        await eventually_async(lambda: gate.names() == {NAME})
        later = tmp_path / ".pond-2026-05-01-06-40-00.flac.held"
        later.write_bytes(content)
        os.utime(later, (START_S + 602,) * 2)
        gate.now_s = 301
        await eventually_async(lambda: not later.exists())
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert (tmp_path / "pond-2026-05-01-06-40-00.flac").read_bytes() == content


async def test_a_recording_without_speech_is_not_written_again(tmp_path: Path) -> None:
    gate = Gate(tmp_path, noise(), report_wait_s=0)
    content = gate.held.read_bytes()
    gate.add()
    await gate.gate.step()
    assert (tmp_path / NAME).read_bytes() == content


async def test_what_an_earlier_run_left_is_released(spoken: Gate) -> None:
    assert held_files(spoken.folder) == [spoken.held]
    spoken.gate.find([(spoken.folder, None)])
    await spoken.gate.step()
    assert silent_seconds(spoken.released()[:, 0]) >= {4, 5, 6}


async def test_a_recording_that_cannot_be_judged_stays_held(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    gate = Gate(folder, noise(), home=tmp_path, report_wait_s=0)
    gate.add()
    await gate.gate.step()
    assert gate.names() == {gate.held.name}
    assert gate.counters.privacy_problem is not None
    assert "not installed" in gate.counters.privacy_problem


async def test_a_source_with_held_recordings_is_at_fault(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    gate = Gate(folder, noise(), home=tmp_path, report_wait_s=0)
    shared = replace(services(), recordings=gate.control, privacy=gate.gate)
    output = RecorderOutput(source_settings(record={"path": folder, "enabled": False}), 2, shared)
    assert output.faults() == ()
    gate.add()
    await gate.gate.step()
    (fault,) = output.faults()
    assert fault.code == "recording_held"
    assert "not installed" in fault.message


async def test_a_helper_that_was_killed_leaves_the_recording_held_and_is_repeated(spoken: Gate) -> None:
    spoken.add(is_reported=False)
    release = asyncio.create_task(spoken.gate.step())

    def helpers() -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [child for child in children if "stream_manager.privacy" in child.cmdline()]

    await eventually_async(lambda: bool(helpers()))
    for helper in helpers():
        helper.kill()
    await release
    assert spoken.held.exists()
    assert not (spoken.folder / NAME).exists()
    spoken.now_s = 600
    await spoken.gate.step()
    assert silent_seconds(spoken.released()[:, 0]) >= {4, 5, 6}


async def test_it_is_tried_again_later(tmp_path: Path) -> None:
    folder, home = tmp_path / "recordings", tmp_path / "home"
    folder.mkdir()
    gate = Gate(folder, noise(), home=home, report_wait_s=0)
    gate.add()
    await gate.gate.step()
    home.symlink_to(silero_home())
    await gate.gate.step()
    assert gate.names() == {gate.held.name}
    gate.now_s = 60
    await gate.gate.step()
    assert gate.names() == {NAME}
    assert gate.counters.privacy_problem is None


async def test_a_segment_with_speech_is_not_kept(spoken: Gate) -> None:
    spoken.add(threshold=0.01)
    spoken.now_s = 6
    await spoken.gate.step()
    spoken.now_s = 12
    await spoken.gate.step()
    assert spoken.names() == set()
    assert spoken.counters.dropped_segments == 1


async def test_a_segment_without_speech_is_in_the_index(tmp_path: Path) -> None:
    gate = Gate(tmp_path, noise(), report_wait_s=0)
    gate.add(threshold=0.01)
    await gate.gate.step()
    (row,) = SegmentIndex(tmp_path).find("pond", since=SINCE)
    assert row.filepath == NAME
    assert row.max_amp == pytest.approx(float(np.abs(gate.released()).max()), abs=1e-4)
