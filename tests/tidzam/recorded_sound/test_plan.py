"""Stitching, against a recording whose samples are the numbers of its frames, cut into files."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.recordings import RATE_HZ, START, frame_numbers, numbers_in, write_recording
from tidzam.audio import files
from tidzam.recorded_sound.folder import RecordedFolder, timed_recordings
from tidzam.recorded_sound.plan import SoundGap, SoundPlan, TimedRecording, plan_sound
from tidzam.recorded_sound.read import SoundFormat, bits_of, read_sound, write_sound
from tidzam.types import Float32

FILE_S = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RecordedFolder:
    """Files of two seconds from START on; the third of five is missing, and the last is cut short."""
    path = tmp_path_factory.mktemp("recordings")
    for number in (0, 1, 3, 4):
        frames = FILE_S * RATE_HZ if number < 4 else RATE_HZ
        counted = frame_numbers(number * FILE_S * RATE_HZ, frames)
        both = np.stack([counted, np.zeros_like(counted)], axis=1)
        write_recording(path, both, number * FILE_S, suffix="flac")
    return RecordedFolder(path, "pond")


def between(folder: RecordedFolder, start: datetime, duration_s: float) -> list[TimedRecording]:
    return timed_recordings(folder.names(start, start + timedelta(seconds=duration_s)), start)


def sound(folder: RecordedFolder, from_s: float, duration_s: float) -> tuple[SoundPlan, Float32, tuple[SoundGap, ...]]:
    start = START + timedelta(seconds=from_s)
    plan = plan_sound(between(folder, start, duration_s), start, duration_s)
    assert plan is not None
    return plan, *read_sound(plan, 0)


def test_no_sample_is_lost_or_repeated_at_a_join(folder: RecordedFolder) -> None:
    _, samples, _ = sound(folder, 1.5, 1.0)
    first = round(1.5 * RATE_HZ)
    assert numbers_in(samples) == list(range(first, first + RATE_HZ))


def test_sound_without_a_gap_lists_none(folder: RecordedFolder) -> None:
    assert sound(folder, 0.5, 3.0)[2] == ()


def test_what_was_not_recorded_is_silent(folder: RecordedFolder) -> None:
    _, samples, _ = sound(folder, 3.0, 4.0)
    assert not samples[RATE_HZ : 3 * RATE_HZ].any()


def test_sound_after_a_gap_is_at_its_time(folder: RecordedFolder) -> None:
    _, samples, _ = sound(folder, 3.0, 4.0)
    assert numbers_in(samples[3 * RATE_HZ : 3 * RATE_HZ + 2]) == [6 * RATE_HZ, 6 * RATE_HZ + 1]


def test_gaps_are_listed_with_their_times(folder: RecordedFolder) -> None:
    assert sound(folder, 3.0, 7.0)[2] == (SoundGap(1.0, 2.0), SoundGap(6.0, 1.0))


def test_the_part_before_the_first_recording_is_a_gap(folder: RecordedFolder) -> None:
    assert sound(folder, -1.0, 2.0)[2] == (SoundGap(0.0, 1.0),)


def test_nothing_recorded_is_no_plan(folder: RecordedFolder) -> None:
    start = START + timedelta(hours=1)
    assert plan_sound(between(folder, start, 9), start, 9) is None


def test_a_channel_that_was_not_recorded_is_a_gap(folder: RecordedFolder) -> None:
    plan, _, _ = sound(folder, 0.0, 1.0)
    assert read_sound(plan, 7)[1] == (SoundGap(0.0, 1.0),)


def test_a_recording_that_overlaps_the_one_before_adds_its_rest(tmp_path: Path) -> None:
    write_recording(tmp_path, frame_numbers(0, 2 * RATE_HZ), 0)
    write_recording(tmp_path, frame_numbers(RATE_HZ, 2 * RATE_HZ), 1)
    _, samples, _ = sound(RecordedFolder(tmp_path, "pond"), 0.0, 3.0)
    assert numbers_in(samples) == list(range(3 * RATE_HZ))


def test_a_recording_that_was_deleted_meanwhile_is_a_gap(tmp_path: Path) -> None:
    gone = write_recording(tmp_path, frame_numbers(1, RATE_HZ), 0)
    plan, _, _ = sound(RecordedFolder(tmp_path, "pond"), 0.0, 1.0)
    gone.unlink()
    assert read_sound(plan, 0)[1] == (SoundGap(0.0, 1.0),)


def test_recordings_of_other_sources_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    write_recording(tmp_path, frame_numbers(1, RATE_HZ), 0, name="pond-2")
    hidden = write_recording(tmp_path, frame_numbers(1, RATE_HZ), 0)
    hidden.rename(hidden.with_name(f".{hidden.name}.part"))
    assert between(RecordedFolder(tmp_path, "pond"), START, 1) == []


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = write_recording(tmp_path / "elsewhere", frame_numbers(1, RATE_HZ), 0)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / elsewhere.name).symlink_to(elsewhere)
    found = between(RecordedFolder(tmp_path / "recordings", "pond"), START, 1)
    assert found == []


def test_segments_are_found_in_the_folders_of_their_days(tmp_path: Path) -> None:
    path = write_recording(tmp_path / f"{START:%Y-%m-%d}", frame_numbers(1, RATE_HZ), 0)
    found = between(RecordedFolder(tmp_path, "pond", by_day=True), START, 1)
    assert [one.path for one in found] == [path]


@pytest.mark.parametrize("sound_format", ["flac", "wav"])
def test_a_written_sound_has_the_samples_of_the_recordings(
    folder: RecordedFolder, sound_format: SoundFormat, tmp_path: Path
) -> None:
    plan, samples, _ = sound(folder, 0.0, 3.0)
    write_sound(tmp_path / "sound", samples, plan.rate_hz, sound_format, bits=bits_of(plan, samples))
    assert np.array_equal(soundfile.read(tmp_path / "sound", dtype="float32")[0], samples)


def test_samples_of_16_bits_are_written_exactly(tmp_path: Path) -> None:
    samples = (np.arange(-32768, 32768) / 32768).astype(np.float32)
    write_sound(tmp_path / "sound.flac", samples, RATE_HZ, "flac")
    assert np.array_equal(soundfile.read(tmp_path / "sound.flac", dtype="float32")[0], samples)


def test_opus_is_written_at_a_rate_that_it_has(tmp_path: Path) -> None:
    write_sound(tmp_path / "sound.ogg", np.zeros(RATE_HZ, np.float32), RATE_HZ, "opus")
    assert soundfile.info(tmp_path / "sound.ogg").frames == 48000


def test_a_file_of_another_rate_is_brought_to_that_of_the_first(tmp_path: Path) -> None:
    write_recording(tmp_path, frame_numbers(1, RATE_HZ), 0)
    second = write_recording(tmp_path, frame_numbers(1, RATE_HZ), 1)
    soundfile.write(second, np.full(22050, 0.25, np.float32), 22050, subtype="PCM_24")
    _, samples, _ = sound(RecordedFolder(tmp_path, "pond"), 0.0, 2.0)
    assert samples[-RATE_HZ // 2] == pytest.approx(0.25, abs=1e-4)


def test_other_channels_do_not_make_a_sound_too_large(folder: RecordedFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is that of files that are read with all their channels."""
    monkeypatch.setattr(files, "MAX_READ_BYTES", 4 * 2 * RATE_HZ // 2)
    _, samples, gaps = sound(folder, 0.0, 1.0)
    assert gaps == ()
    assert numbers_in(samples) == list(range(RATE_HZ))


def test_a_long_sound_is_written_exactly(tmp_path: Path) -> None:
    """It is written in parts."""
    samples = ((np.arange(2_500_000) % 65536 - 32768) / 32768).astype(np.float32)
    write_sound(tmp_path / "sound.wav", samples, RATE_HZ, "wav")
    assert np.array_equal(soundfile.read(tmp_path / "sound.wav", dtype="float32")[0], samples)
