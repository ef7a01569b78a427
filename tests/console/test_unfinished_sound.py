"""The sound of recordings that are still being written, and when it is said to wait for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from console.services.sound import channel_sound
from console.services.unfinished_sound import StillRecordingError, UnfinishedSound
from stream_manager.recorder.encoder import SUFFIXES, Encoder, encoder_argv
from stream_manager.recorder.folder import RecordingFolder
from stream_manager.recorder.options import RecorderOptions
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.eventually import eventually
from tests.support.recordings import RATE_HZ, START, chirp, chirp_time_s, write_recording
from tidzam.audio.files import read_audio
from tidzam.config.recording import RecordSettings
from tidzam.recorded_sound.folder import RecordedFolder
from tidzam.recorded_sound.plan import SoundPlan, TimedRecording, plan_sound
from tidzam.store.records import RecordingRecord
from tidzam.store.writer import StoreWriter

WRITTEN_S = 8
PRIVATE: dict[str, object] = {"detector": "class", "classes": ["people"]}


def part(folder: Path, start: datetime, *, changed: datetime, suffix: str = ".part") -> Path:
    """A hidden recording that was last written to at a time."""
    complete = write_recording(folder, chirp(0, 1), (start - START).total_seconds())
    path = complete.rename(complete.with_name(f".{complete.name}{suffix}"))
    os.utime(path, (changed.timestamp(), changed.timestamp()))
    return path


def wait_s(
    folder: Path, start_s: float, end_s: float, now_s: float, *, plan: SoundPlan | None = None, **rules: bool
) -> int | None:
    """How long a client is to wait for a period of which nothing but `plan` is complete; None if it is not. The times
    count from START, and files are 30 s long."""
    known = {"is_private": False, "is_segments": False, "is_enabled": True, **rules}
    unfinished = UnfinishedSound(RecordedFolder(folder, "pond"), length_s=30, **known)
    start, end, now = (START + timedelta(seconds=second) for second in (start_s, end_s, now_s))
    try:
        unfinished.require_recorded(plan, start, end, now)
    except StillRecordingError as error:
        return error.wait_s
    return None


def test_what_is_just_being_written_is_there_in_a_second(tmp_path: Path) -> None:
    part(tmp_path, START, changed=START + timedelta(seconds=12))
    assert wait_s(tmp_path, 9, 12, 12.2) == 1


def test_a_period_that_reaches_into_the_future_is_waited_for(tmp_path: Path) -> None:
    part(tmp_path, START, changed=START + timedelta(seconds=12))
    assert wait_s(tmp_path, 9, 15, 12.2) == 4


def test_a_period_that_ends_much_later_is_not_waited_for(tmp_path: Path) -> None:
    part(tmp_path, START, changed=START + timedelta(seconds=12))
    assert wait_s(tmp_path, 9, 60, 12.2) is None


def test_a_file_that_a_crash_left_is_not_waited_for(tmp_path: Path) -> None:
    part(tmp_path, START, changed=START + timedelta(seconds=12))
    assert wait_s(tmp_path, 9, 15, 40) is None


def test_private_sound_is_there_after_the_end_of_its_file_and_a_check(tmp_path: Path) -> None:
    part(tmp_path, START, changed=START + timedelta(seconds=12))
    assert wait_s(tmp_path, 9, 12, 12, is_private=True) == 30 - 12 + 5


def test_a_file_that_is_held_is_there_after_a_check(tmp_path: Path) -> None:
    part(tmp_path, START, changed=START + timedelta(seconds=30), suffix=".held")
    assert wait_s(tmp_path, 9, 12, 31, is_private=True) == 5


def test_a_segment_is_there_when_it_is_whole(tmp_path: Path) -> None:
    assert wait_s(tmp_path, 9, 10, 11, is_segments=True) == 30


def test_the_silence_of_segments_is_not_waited_for(tmp_path: Path) -> None:
    assert wait_s(tmp_path, 9, 10, 60, is_segments=True) is None


def test_a_private_file_that_a_crash_left_is_not_waited_for(tmp_path: Path) -> None:
    part(tmp_path, START, changed=START + timedelta(seconds=12))
    assert wait_s(tmp_path, 9, 15, 40, is_private=True) is None


def test_a_segment_is_not_waited_for_while_nothing_is_recorded(tmp_path: Path) -> None:
    assert wait_s(tmp_path, 9, 10, 11, is_segments=True, is_enabled=False) is None


def test_a_segment_is_waited_for_if_there_is_an_earlier_one(tmp_path: Path) -> None:
    write_recording(tmp_path, chirp(0, 1), -60)
    assert wait_s(tmp_path, 9, 10, 11, is_segments=True, is_enabled=False) == 30


def first_half(folder: Path) -> SoundPlan:
    """The plan of the seconds 28 to 32, of which a complete file has the first two."""
    file = TimedRecording(write_recording(folder, chirp(0, 1)), START, 30 * RATE_HZ, RATE_HZ, 1)
    plan = plan_sound([file], START + timedelta(seconds=28), 4)
    assert plan is not None
    return plan


def test_the_second_half_of_private_sound_is_waited_for(tmp_path: Path) -> None:
    part(tmp_path, START + timedelta(seconds=30), changed=START + timedelta(seconds=33))
    assert wait_s(tmp_path, 28, 32, 33, plan=first_half(tmp_path), is_private=True) == 60 - 33 + 5


def test_the_second_half_is_waited_for_until_its_segment_is_whole(tmp_path: Path) -> None:
    assert wait_s(tmp_path, 28, 32, 33, plan=first_half(tmp_path), is_segments=True) == 30


def test_what_is_planned_completely_is_not_waited_for(tmp_path: Path) -> None:
    part(tmp_path, START + timedelta(seconds=30), changed=START + timedelta(seconds=33))
    assert wait_s(tmp_path, 28, 30, 33, plan=first_half(tmp_path), is_private=True, is_segments=True) is None


@contextmanager
def encoding(folder: Path, start: datetime, recording_format: str) -> Iterator[Path]:
    """A file of which the recorder's encoder has some seconds, and waits for more."""
    options = RecorderOptions.of("pond", 1, RecordSettings(path=folder, format=recording_format))
    folder.mkdir(exist_ok=True)
    path = RecordingFolder(folder, "pond", SUFFIXES[options.format]).new_part(int(start.timestamp()))
    encoder = Encoder(encoder_argv(path, RATE_HZ, options), bytes_per_s=4 * RATE_HZ)
    data = memoryview(np.ascontiguousarray(chirp(0, WRITTEN_S), "<f4").tobytes())
    while data:
        encoder.wait_writable(1)
        data = data[encoder.write(data) :]
    yield path
    encoder.kill()


def is_sent(console: ConsoleUnderTest, start: datetime) -> bool:
    """Whether the sound from the third to the fifth second can be had."""
    try:
        sound_of(console, start)
    except StillRecordingError:
        return False
    return True


def sound_of(console: ConsoleUnderTest, start: datetime) -> Path:
    begin = start + timedelta(seconds=3)
    return channel_sound(console.runtime.settings, console.store, "pond:out_0", begin, 2, "wav").path


def console_of(home: Path, privacy: dict[str, object]) -> AbstractContextManager[ConsoleUnderTest]:
    sources = [{"name": "pond", "url": "pond.wav", "record": {"path": home / "recordings"}}]
    return console_with_profile(home, {"sources": sources, "analyzer": {"privacy": privacy}})


@pytest.mark.parametrize("recording_format", ["flac", "wav", "opus"])
def test_a_file_that_is_being_written_is_read(tmp_path: Path, recording_format: str) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=WRITTEN_S)
    with console_of(tmp_path, {}) as console, encoding(tmp_path / "recordings", start, recording_format):
        eventually(lambda: is_sent(console, start), what="the sound is there")
        samples, rate_hz = read_audio(sound_of(console, start))
    assert chirp_time_s(samples[0, : rate_hz // 5], rate_hz) == pytest.approx(3.1, abs=0.02)


def test_the_file_being_written_of_a_source_that_was_added_is_read(tmp_path: Path) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=WRITTEN_S)
    profile = {"stream_manager": {"record": {"path": tmp_path / "recordings"}}}
    with console_with_profile(tmp_path, profile) as console, encoding(tmp_path / "recordings", start, "wav"):
        before = {"start": start - timedelta(minutes=2), "end": start - timedelta(minutes=1)}
        node = console.runtime.settings.node.known_as
        row = RecordingRecord(node=node, source="pond", path="gone.wav", channels=1, bytes=1, **before)
        StoreWriter(console.store).write([row])
        eventually(lambda: is_sent(console, start), what="the sound is there")


def test_a_file_that_is_being_written_is_not_read_before_speech_is_muted(tmp_path: Path) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=WRITTEN_S)
    with console_of(tmp_path, PRIVATE) as console, encoding(tmp_path / "recordings", start, "wav") as written:
        eventually(lambda: written.exists() and written.stat().st_size > 2 * RATE_HZ * 6, what="it is written")
        begin = start + timedelta(seconds=3)
        asked = {"channel": "pond:out_0", "start": begin.isoformat(), "duration_s": "2"}
        response = console.logged_in("viewer").get("/api/v1/sound", params=asked)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "still_recording")
