"""Recordings that are muted: the same length, silent where they should be, and unchanged elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from stream_manager.privacy.audio import decoded, examined, gain, mute
from stream_manager.recorder.encoder import encoder_argv
from stream_manager.recorder.repair import UnusableError
from tests.stream_manager.recorder.harness import recorder_options
from tidzam.types import Float32

RATE_HZ = 48000
SECONDS = 2.5
SPEECH = [(30_000, 50_000)]


def recording(folder: Path, kind: str, channels: int, bit_depth: int = 16) -> Path:
    """A held recording of noise, as the recorder writes it."""
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (round(SECONDS * RATE_HZ), channels)).astype("<f4")
    path = folder / f".pond-2026-05-01-06-30-00.{kind}.held"
    options = recorder_options(folder, channels, format=kind, bit_depth=bit_depth)
    subprocess.run(encoder_argv(path, RATE_HZ, options), input=noise.tobytes(), check=True)
    return path


def samples(path: Path, channels: int) -> Float32:
    with decoded(path, channels) as blocks:
        return np.concatenate(list(blocks))


@pytest.mark.parametrize(
    ("kind", "channels", "depth"),
    [("wav", 1, 16), ("wav", 2, 24), ("wav", 30, 16), ("flac", 2, 16), ("flac", 3, 24), ("flac", 8, 16)],
)
def test_only_what_is_muted_changes(tmp_path: Path, kind: str, channels: int, depth: int) -> None:
    path = recording(tmp_path, kind, channels, depth)
    before = samples(path, channels)
    mute(path, examined(path), [SPEECH] * channels)
    after = samples(path, channels)
    assert np.array_equal(after[:30_000], before[:30_000])
    assert np.array_equal(after[50_000:], before[50_000:])
    assert not after[30_240:49_760].any()


@pytest.mark.parametrize("channels", [1, 2, 3, 30])
def test_opus_keeps_its_length_and_is_silent(tmp_path: Path, channels: int) -> None:
    path = recording(tmp_path, "opus", channels)
    before = samples(path, channels)
    mute(path, examined(path), [SPEECH] * channels)
    after = samples(path, channels)
    assert after.shape == before.shape == (round(SECONDS * RATE_HZ), channels)
    assert np.abs(after[32_000:48_000]).max() < 0.01
    assert np.sqrt(np.mean(after[60_000:] ** 2)) > 0.1


def test_the_time_at_which_the_recording_ended_is_kept(tmp_path: Path) -> None:
    path = recording(tmp_path, "wav", 1)
    os.utime(path, (1000, 2000))
    mute(path, examined(path), [SPEECH])
    assert path.stat().st_mtime == 2000


def test_channels_are_muted_one_by_one(tmp_path: Path) -> None:
    path = recording(tmp_path, "flac", 2)
    before = samples(path, 2)
    mute(path, examined(path), [(), SPEECH])
    after = samples(path, 2)
    assert np.array_equal(after[:, 0], before[:, 0])
    assert not after[30_240:49_760, 1].any()


@pytest.mark.parametrize(("kind", "depth"), [("wav", 24), ("flac", 24), ("flac", 16)])
def test_the_depth_is_kept(tmp_path: Path, kind: str, depth: int) -> None:
    path = recording(tmp_path, kind, 1, depth)
    mute(path, examined(path), [SPEECH])
    assert examined(path).bit_depth == depth


def test_the_peak_is_that_of_what_is_left(tmp_path: Path) -> None:
    path = recording(tmp_path, "wav", 1)
    assert mute(path, examined(path), [[(0, 10**9)]]) < 0.3
    assert mute(path, examined(path), [[(-1000, 10**9)]]) == 0


def test_a_file_that_cannot_be_decoded_stays_as_it_is(tmp_path: Path) -> None:
    path = recording(tmp_path, "flac", 1)
    audio, content = examined(path), path.read_bytes()
    damaged = content[: len(content) // 2] + bytes(20_000) + content[len(content) // 2 + 20_000 :]
    path.write_bytes(damaged)
    with pytest.raises(UnusableError):
        mute(path, audio, [SPEECH])
    assert path.read_bytes() == damaged
    assert list(tmp_path.iterdir()) == [path]


def test_the_gain_fades_inside_the_interval_and_does_not_depend_on_blocks() -> None:
    whole = gain([(100, 300)], 0, 400, 1000)
    assert np.all(whole[:100] == 1)
    assert np.all(whole[300:] == 1)
    assert not whole[105:295].any()
    parts = [gain([(100, 300)], start, start + 50, 1000) for start in range(0, 400, 50)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_what_goes_on_beyond_the_beginning_has_no_fade_there() -> None:
    assert not gain([(-50, 100)], 0, 95, 1000).any()
