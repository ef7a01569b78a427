"""Recordings of live streams."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stream_manager.live.recorder import LiveRecorder
from stream_manager.live.storage import LiveStorage, complete
from stream_manager.recorder.folder import ASIDE
from tests.support.eventually import eventually_async
from tests.support.gap_clock import NOON, SetClock
from tidzam.errors import RequestError
from tidzam.naming import HELD_SUFFIX, PART_SUFFIX, parse_clip_name

NAME = "tidzam-livestreams-out_3"
RATE_HZ = 44100
PACKET = RATE_HZ // 10


def packet(number: int) -> bytes:
    return (np.arange(PACKET) + number).astype("<i2").tobytes()


def storage(folder: Path | None, *, file_format: str = "flac", max_gb: float = 1.0) -> LiveStorage:
    return LiveStorage(folder, file_format=file_format, max_gb=max_gb)


def recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix != PART_SUFFIX)


def everything(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def samples(paths: list[Path]) -> list[int]:
    return [int(value) for path in paths for value in soundfile.read(path, dtype="int16")[0]]


@pytest.mark.parametrize("file_format", ["flac", "wav"])
async def test_a_recording_has_every_sample_as_it_was_sent(tmp_path: Path, file_format: str) -> None:
    recorder = LiveRecorder(NAME, storage(tmp_path, file_format=file_format), length_s=3600)
    for number in range(20):
        recorder.write(packet(number), RATE_HZ)
    await recorder.finish()
    (path,) = recordings(tmp_path)
    assert samples([path]) == [value for number in range(20) for value in range(number, number + PACKET)]
    assert soundfile.info(path).samplerate == RATE_HZ


async def test_its_name_tells_the_port_and_the_time(tmp_path: Path) -> None:
    recorder = LiveRecorder(NAME, storage(tmp_path), length_s=3600)
    recorder.write(packet(0), RATE_HZ)
    await recorder.finish()
    name = parse_clip_name(recordings(tmp_path)[0])
    assert name is not None
    assert (name.source, name.channel) == ("tidzam-livestreams", 3)


async def test_a_recording_in_progress_has_another_name(tmp_path: Path) -> None:
    recorder = LiveRecorder(NAME, storage(tmp_path), length_s=3600)
    recorder.write(packet(0), RATE_HZ)
    await eventually_async(lambda: recorder.file_name is not None)
    assert recordings(tmp_path) == []
    assert [path.suffix for path in everything(tmp_path)] == [PART_SUFFIX]
    await recorder.finish()


async def test_long_recordings_are_cut_without_losing_a_sample(tmp_path: Path) -> None:
    recorder = LiveRecorder(NAME, storage(tmp_path, file_format="wav"), length_s=1.0)
    for number in range(25):
        recorder.write(packet(number), RATE_HZ)
    await recorder.finish()
    paths = recordings(tmp_path)
    assert len(paths) == 3
    by_start = sorted(paths, key=lambda path: samples([path])[0])
    assert samples(by_start) == [value for number in range(25) for value in range(number, number + PACKET)]


async def test_another_sample_rate_begins_another_file(tmp_path: Path) -> None:
    recorder = LiveRecorder(NAME, storage(tmp_path), length_s=3600)
    recorder.write(packet(0), 44100)
    recorder.write(packet(0), 16000)
    await recorder.finish()
    assert sorted(soundfile.info(path).samplerate for path in recordings(tmp_path)) == [16000, 44100]


@pytest.mark.parametrize("jump_s", [3600.0, -7200.0])
async def test_a_clock_that_is_set_begins_another_file_with_the_time_that_it_has_then(
    tmp_path: Path, jump_s: float
) -> None:
    clock = SetClock()
    recorder = LiveRecorder(NAME, storage(tmp_path), length_s=3600, clock=clock)
    for number in range(20):
        if number == 10:
            clock.set_by(jump_s)
        clock.pass_s(0.1)
        recorder.write(packet(number), RATE_HZ)
    await recorder.finish()
    paths = sorted(recordings(tmp_path), key=lambda path: samples([path])[0])
    times = [name.time for path in paths if (name := parse_clip_name(path))]
    assert times == [NOON, NOON + timedelta(seconds=1 + jump_s)]
    assert samples(paths) == [value for number in range(20) for value in range(number, number + PACKET)]


async def test_audio_that_comes_late_and_in_bursts_does_not_look_like_a_clock_that_is_set(tmp_path: Path) -> None:
    clock = SetClock()
    recorder = LiveRecorder(NAME, storage(tmp_path), length_s=3600, clock=clock)
    for pause_s in (0.0, 1.9, 0.0, 0.0, 1.5, 0.1):
        clock.pass_s(pause_s)
        recorder.write(packet(0), RATE_HZ)
    await recorder.finish()
    assert len(recordings(tmp_path)) == 1


async def test_an_unexpected_error_ends_the_recording_and_its_client_learns_of_it(tmp_path: Path) -> None:
    recorder = LiveRecorder(NAME, storage(tmp_path), length_s=3600)
    recorder.write(b"half a sample", RATE_HZ)
    await recorder.finish()
    assert recorder.failure is not None
    assert "internal error" in recorder.failure


async def test_recording_ends_at_the_size_limit_with_a_complete_file(tmp_path: Path) -> None:
    store = storage(tmp_path, file_format="wav", max_gb=1e-4)
    recorder = LiveRecorder(NAME, store, length_s=3600)
    for number in range(30):
        recorder.write(packet(number), RATE_HZ)
    await recorder.finish()
    assert recorder.failure is not None
    assert "maximum size" in recorder.failure
    assert 0 < recordings(tmp_path)[0].stat().st_size <= 1e5 + 200


async def test_a_recording_for_which_there_is_no_room_leaves_no_file(tmp_path: Path) -> None:
    recorder = LiveRecorder(NAME, storage(tmp_path, file_format="wav", max_gb=1e-7), length_s=3600)
    recorder.write(packet(0), RATE_HZ)
    await recorder.finish()
    assert recorder.failure is not None
    assert everything(tmp_path) == []


def test_files_that_are_deleted_make_room(tmp_path: Path) -> None:
    store = storage(tmp_path, max_gb=1e-5)
    (tmp_path / "old.flac").write_bytes(bytes(10_000))
    store.measure()
    assert store.is_full
    (tmp_path / "old.flac").unlink()
    store.measure()
    assert not store.is_full


def test_nothing_more_is_stored_once_the_limit_is_reached(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        storage(tmp_path, max_gb=0).require()
    assert caught.value.code == "storage_full"


def test_without_a_folder_nothing_is_stored() -> None:
    with pytest.raises(RequestError) as caught:
        storage(None).require()
    assert caught.value.code == "storage_off"


async def test_a_folder_that_cannot_be_written_ends_the_recording_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recorder = LiveRecorder(NAME, storage(tmp_path / "file" / "folder"), length_s=3600)
    recorder.write(packet(0), RATE_HZ)
    await recorder.finish()
    assert recorder.failure is not None
    assert "cannot be written" in recorder.failure


async def test_a_disk_that_is_too_slow_ends_the_recording_and_delays_nobody(tmp_path: Path) -> None:
    recorder = LiveRecorder(NAME, storage(tmp_path), length_s=3600)
    for number in range(400):  # the task that writes cannot run meanwhile
        recorder.write(packet(number), RATE_HZ)
    assert recorder.failure is not None
    await asyncio.wait_for(recorder.finish(), 10)


@pytest.mark.parametrize("file_format", ["flac", "wav"])
def test_a_recording_that_a_crash_cut_off_is_completed_at_the_next_start(tmp_path: Path, file_format: str) -> None:
    file = storage(tmp_path, file_format=file_format).begin(NAME, datetime(2026, 5, 1, tzinfo=UTC), RATE_HZ)
    for number in range(20):
        file.audio.write(np.frombuffer(packet(number), "<i2"))
    file.audio.flush()
    kept = storage(tmp_path, file_format=file_format)
    complete(kept, kept.leftovers([NAME]))
    (path,) = recordings(tmp_path)
    assert path.name == f"{NAME}-2026-05-01-00-00-00.{file_format}"
    found, sent = samples([path]), [value for number in range(20) for value in range(number, number + PACKET)]
    assert found == sent[: len(found)]
    assert len(found) > PACKET


async def test_a_complete_recording_is_held_back_if_speech_is_to_be_muted(tmp_path: Path) -> None:
    held: list[Path] = []
    recorder = LiveRecorder(
        NAME, LiveStorage(tmp_path, file_format="flac", max_gb=1.0, hold=held.append), length_s=3600
    )
    recorder.write(packet(0), RATE_HZ)
    await recorder.finish()
    assert everything(tmp_path) == held
    assert held[0].name.endswith(f".flac{HELD_SUFFIX}")


def test_what_a_crash_left_is_held_back_if_speech_is_to_be_muted(tmp_path: Path) -> None:
    file = storage(tmp_path).begin(NAME, datetime(2026, 5, 1, tzinfo=UTC), RATE_HZ)
    for number in range(20):
        file.audio.write(np.frombuffer(packet(number), "<i2"))
    file.audio.flush()
    held: list[Path] = []
    kept = LiveStorage(tmp_path, file_format="flac", max_gb=1.0, hold=held.append)
    complete(kept, kept.leftovers([NAME]))
    assert [path.name for path in held] == [f".{NAME}-2026-05-01-00-00-00.flac{HELD_SUFFIX}"]


def test_what_cannot_be_completed_is_set_aside_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / f".{NAME}-2026-05-01-00-00-00.flac{PART_SUFFIX}").write_bytes(b"no audio")
    kept = storage(tmp_path)
    complete(kept, kept.leftovers([NAME]))
    assert sorted(path.suffix for path in everything(tmp_path / ASIDE)) == [".flac", ".txt"]
    assert recordings(tmp_path) == []
