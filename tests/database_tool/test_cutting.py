"""From files to samples."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from database_tool import cutting
from database_tool.cutting import CutJob, Cutting, cut, jobs_of, window_count
from tidzam.audio.features import FeatureSpec, extract
from tidzam.audio.windows import cut_windows, window_features
from tidzam.clips import Clip
from tidzam.types import Float32

SPEC = FeatureSpec(rate_hz=8000, window_s=0.5, fft_length=256, hop_length=128, n_mels=16, fmax_hz=4000)
SIDE_BY_SIDE = Cutting(spec=SPEC, hop_s=0.5)


def write(path: Path, seconds: float, *, rate_hz: int = 8000, channels: int = 1) -> Float32:
    """Noise, another in each channel; (channels, frames) as it is decoded again."""
    sound = 0.2 * np.random.default_rng(1).standard_normal((round(seconds * rate_hz), channels))
    soundfile.write(path, sound, rate_hz, subtype="FLOAT")
    return sound.astype(np.float32).T


def whole(clip: Clip, how: Cutting = SIDE_BY_SIDE) -> CutJob:
    (job,) = jobs_of(0, clip, how)
    return job


@given(st.integers(1, 500), st.integers(1, 60), st.floats(0, 1))
def test_windows_are_counted_as_the_analyzer_cuts_them(length: int, window: int, share: float) -> None:
    blocks, hop = np.zeros((length, 1), np.float32), max(1, round(share * window))
    assert window_count(length, window, hop) == len(list(cut_windows([blocks], window=window, hop=hop)))


@given(st.integers(1, 500), st.integers(1, 60), st.integers(1, 80))
def test_no_window_begins_behind_the_end(length: int, window: int, hop: int) -> None:
    assert (window_count(length, window, hop) - 1) * hop < length


def test_samples_are_the_windows_features(tmp_path: Path) -> None:
    sound = write(tmp_path / "a.wav", 1.8)
    done = cut(whole(Clip(tmp_path / "a.wav", "x", "a")))
    padded = np.pad(sound[0], (0, 1600)).reshape(4, 4000)  # the rest of 0.3 s is more than half a window
    np.testing.assert_allclose(done.features, extract(padded, SPEC), atol=1e-4)
    assert done.offsets_s.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert done.channels.tolist() == [-1] * 4
    assert done.features[3, -1].max() == pytest.approx(SPEC.floor_db)


def test_a_short_rest_is_left_and_a_short_file_is_filled_with_silence(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 1.2)
    write(tmp_path / "b.wav", 0.1)
    assert len(cut(whole(Clip(tmp_path / "a.wav", "x", "a"))).features) == 2
    (features,) = cut(whole(Clip(tmp_path / "b.wav", "x", "b"))).features
    assert features[0].min() > -90
    assert features[-1].max() == pytest.approx(SPEC.floor_db)


def test_windows_overlap_with_a_hop(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 1.0)
    done = cut(whole(Clip(tmp_path / "a.wav", "x", "a"), Cutting(spec=SPEC, hop_s=0.125)))
    assert done.offsets_s.tolist() == [0.0, 0.125, 0.25, 0.375, 0.5]


def test_channels_are_downmixed(tmp_path: Path) -> None:
    sound = write(tmp_path / "a.wav", 1.0, channels=3)
    done = cut(whole(Clip(tmp_path / "a.wav", "x", "a")))
    np.testing.assert_allclose(done.features, extract(sound.mean(axis=0).reshape(2, -1), SPEC), atol=1e-3)
    assert done.channels.tolist() == [-1, -1]


def test_every_channel_is_cut(tmp_path: Path) -> None:
    sound = write(tmp_path / "a.wav", 1.0, channels=3)
    done = cut(whole(Clip(tmp_path / "a.wav", "x", "a"), replace(SIDE_BY_SIDE, channels="each")))
    np.testing.assert_allclose(done.features, extract(sound.reshape(6, -1), SPEC), atol=1e-4)
    assert done.channels.tolist() == [0, 0, 1, 1, 2, 2]


def test_one_channel_is_cut(tmp_path: Path) -> None:
    sound = write(tmp_path / "a.wav", 1.0, channels=3)
    done = cut(whole(Clip(tmp_path / "a.wav", "x", "a", channel=2)))
    np.testing.assert_allclose(done.features, extract(sound[2].reshape(2, -1), SPEC), atol=1e-4)
    assert done.channels.tolist() == [2, 2]


def test_a_channel_that_does_not_exist_is_the_reason(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 1.0, channels=3)
    reason = cut(whole(Clip(tmp_path / "a.wav", "x", "a", channel=3))).reason
    assert reason == f"{tmp_path}/a.wav has no channel 3, only 3 channels, counted from 0."


def test_other_rates_are_resampled(tmp_path: Path) -> None:
    time_s = np.arange(44100) / 44100
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 1000 * time_s), 44100)
    soundfile.write(tmp_path / "b.wav", 0.5 * np.sin(2 * np.pi * 1000 * time_s[:8000] * 44100 / 8000), 8000)
    high, low = (cut(whole(Clip(tmp_path / f"{name}.wav", "x", name))) for name in "ab")
    assert (high.rate_hz, low.rate_hz) == (44100, 8000)
    assert high.features.shape == low.features.shape
    sound = soundfile.read(tmp_path / "a.wav", dtype="float32")[0].reshape(2, -1)
    np.testing.assert_array_equal(high.features, window_features(sound, 44100, SPEC))  # as the analyzer hears it
    assert np.abs(high.features.mean(axis=(0, 1)) - low.features.mean(axis=(0, 1))).max() < 1


def test_a_long_file_is_cut_in_pieces_that_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, 0.2 * np.random.default_rng(0).standard_normal((100_000, 2)), 8000)
    how = Cutting(spec=SPEC, hop_s=0.3)
    at_once = cut(whole(Clip(path, "x", "a"), how))
    monkeypatch.setattr(cutting, "LONG_FILE_BYTES", 0)
    monkeypatch.setattr(cutting, "SEGMENT_S", 2.0)
    jobs = list(jobs_of(0, Clip(path, "x", "a"), how))
    parts = [cut(job) for job in jobs]
    assert len(jobs) == 6
    np.testing.assert_allclose(np.concatenate([part.offsets_s for part in parts]), at_once.offsets_s, atol=1e-9)
    np.testing.assert_array_equal(np.concatenate([part.features for part in parts]), at_once.features)


@pytest.mark.parametrize(
    ("start_s", "duration_s", "offsets_s"),
    [
        (1.0, 1.0, [1.0, 1.5]),  # as long as two windows
        (1.0, 0.6, [1.0]),  # the rest of 0.1 s is left
        (1.0, 0.8, [1.0, 1.5]),  # the second window goes on behind the stretch
        (1.0, 0.1, [0.8]),  # too short: widened around its middle
        (0.0, 0.1, [0.0]),  # at the beginning of the file
        (1.9, 0.1, [1.5]),  # and at its end
    ],
)
def test_stretches_of_a_file(tmp_path: Path, start_s: float, duration_s: float, offsets_s: list[float]) -> None:
    sound = write(tmp_path / "a.wav", 2.0)
    done = cut(whole(Clip(tmp_path / "a.wav", "x", "a", start_s, duration_s)))
    np.testing.assert_allclose(done.offsets_s, offsets_s, atol=1e-9)
    first = round(offsets_s[0] * 8000)
    np.testing.assert_allclose(done.features[0], extract(sound[:, first : first + 4000], SPEC)[0], atol=1e-4)


@pytest.mark.parametrize("name", ["empty", "none", "away"])
def test_a_file_that_cannot_be_read_gives_a_reason(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "none.wav").write_text("no audio at all")
    done = cut(whole(Clip(tmp_path / f"{name}.wav", "x", name)))
    assert len(done.features) == 0
    assert f"{name}.wav" in done.reason


def test_a_clip_past_the_end_gives_a_reason(tmp_path: Path) -> None:
    write(tmp_path / "short.wav", 1.0)
    clip = Clip(tmp_path / "short.wav", "x", "short", 5.0, 0.5)
    assert cut(whole(clip)).reason == f"{tmp_path}/short.wav ends before 5 s."
