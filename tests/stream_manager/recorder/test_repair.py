"""What a crash left is repaired without losing a sample that was written, or set aside with the reason."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from random import Random
from typing import Never

import numpy as np
import pytest

from stream_manager.recorder.encoder import SUFFIXES, encoder_argv
from stream_manager.recorder.events import KeptAside, Notice, RecorderEvent, Repaired
from stream_manager.recorder.folder import RecordingFolder
from stream_manager.recorder.repair import NoRoomError, UnusableError, repair
from stream_manager.recorder.worker import Worker
from tests.stream_manager.recorder.harness import decoded, recorder_options
from tests.support.eventually import eventually
from tidzam.recorded_sound.sections import encode_peaks
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

RATE_HZ = 48000
NAME = "pond-2026-05-01-06-30-00"


def noise(seconds: float, channels: int = 2) -> Float32:
    """Noise that 16 bits represent exactly."""
    whole = np.random.default_rng(1).integers(-20000, 20000, (round(seconds * RATE_HZ), channels))
    return (whole / (1 << 15)).astype(np.float32)


def killed(folder: Path, kind: str, samples: Float32, *, bit_depth: int = 16) -> Path:
    """The part that an ffmpeg leaves when it is killed while it writes `samples`."""
    part = folder / f".{NAME}{SUFFIXES[kind]}.part"
    options = recorder_options(folder, samples.shape[1], format=kind, bit_depth=bit_depth)
    with subprocess.Popen(encoder_argv(part, RATE_HZ, options), stdin=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin is not None
        ffmpeg.stdin.write(samples.tobytes())
        ffmpeg.stdin.flush()
        size = 0
        while not (part.exists() and part.stat().st_size == size > 20000):
            size = part.stat().st_size if part.exists() else 0
            time.sleep(0.15)
        ffmpeg.send_signal(signal.SIGKILL)
    return part


@pytest.mark.parametrize(("kind", "depth"), [("wav", 16), ("wav", 24), ("flac", 16), ("flac", 24)])
def test_a_file_of_a_killed_encoder_has_all_samples_that_were_written(tmp_path: Path, kind: str, depth: int) -> None:
    samples = noise(4)
    part = killed(tmp_path, kind, samples, bit_depth=depth)
    content = repair(part)
    found = decoded(part, 2)
    assert len(found) == content.frames > 0
    assert np.array_equal(found, samples[: len(found)])
    assert content.peak == np.abs(found).max()
    assert content.loudness.section_peaks == encode_peaks(np.abs(found).max(axis=0, keepdims=True))


def test_opus_of_a_killed_encoder_is_playable_to_its_end(tmp_path: Path) -> None:
    part = killed(tmp_path, "opus", noise(10))
    content = repair(part)
    assert len(decoded(part, 2)) == content.frames > RATE_HZ


@pytest.mark.parametrize("kind", ["wav", "flac", "opus"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_repaired_file_ends_exactly_at_the_limit(tmp_path: Path, kind: str, channels: int) -> None:
    part = killed(tmp_path, kind, noise(8, channels))
    assert repair(part, limit_s=1).frames == RATE_HZ
    assert len(decoded(part, channels)) == RATE_HZ


@pytest.mark.parametrize("kind", ["wav", "flac", "opus"])
def test_a_file_cut_off_anywhere_is_repaired_or_refused_and_never_changed(tmp_path: Path, kind: str) -> None:
    part = killed(tmp_path, kind, noise(4))
    whole, random = part.read_bytes(), Random(7)
    for length in [1, 40, 100, *(random.randrange(len(whole)) for _ in range(5))]:
        part.write_bytes(whole[:length])
        try:
            content = repair(part)
        except UnusableError as error:
            assert str(error)
            assert part.read_bytes() == whole[:length]
            assert length < 20000
        else:
            assert len(decoded(part, 2)) == content.frames
    assert [path.name for path in tmp_path.iterdir()] == [part.name]


def repaired(folder: Path) -> list[RecorderEvent]:
    """The events of a recorder that finds leftovers in a folder."""
    events: list[RecorderEvent] = []
    recordings = RecordingFolder(folder, "pond", ".wav")
    worker = Worker(recordings, events.append, lambda reason: None)
    for part in recordings.leftovers():
        worker.repair(part)
    worker.close(repairs_s=30)
    return events


def test_a_leftover_becomes_a_recording(tmp_path: Path) -> None:
    killed(tmp_path, "flac", noise(4))
    (event,) = repaired(tmp_path)
    assert isinstance(event, Repaired)
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.flac"]


def test_a_leftover_without_audio_is_set_aside_with_the_reason(tmp_path: Path) -> None:
    content = os.urandom(5000)
    (tmp_path / f".{NAME}.flac.part").write_bytes(content)
    (event,) = repaired(tmp_path)
    assert isinstance(event, KeptAside)
    assert (tmp_path / "set-aside" / f"{NAME}.flac").read_bytes() == content
    assert event.reason in (tmp_path / "set-aside" / f"{NAME}.flac.txt").read_text()


def test_an_empty_leftover_is_removed_and_mentioned(tmp_path: Path) -> None:
    (tmp_path / f".{NAME}.wav.part").touch()
    (event,) = repaired(tmp_path)
    assert isinstance(event, Notice)
    assert not list(tmp_path.iterdir())


def test_files_of_other_sources_and_other_files_are_left_alone(tmp_path: Path) -> None:
    names = [".lake-2026-05-01-06-30-00.wav.part", ".pond.wav.part", f"{NAME}.wav", f".{NAME}.wav", "notes.txt"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    assert not repaired(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_a_part_for_which_there_was_no_room_is_repaired_when_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = killed(tmp_path, "wav", noise(2.0))
    folder = RecordingFolder(tmp_path, "pond", ".wav")
    events: list[RecorderEvent] = []
    worker = Worker(folder, events.append, lambda reason: None)

    def no_room(part: Path, *, limit_s: int | None) -> Never:
        raise NoRoomError("No space left on device")

    with monkeypatch.context() as full:
        full.setattr("stream_manager.recorder.worker.repair", no_room)
        worker.repair(part)
        eventually(lambda: bool(events))
    worker.repair_postponed()
    worker.close(repairs_s=30)
    assert [type(event) for event in events] == [Notice, Repaired]
