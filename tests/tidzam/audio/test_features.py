"""The features are the numbers that the docstrings promise, and stay them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.support.bundles import band_of
from tests.support.sound import tone
from tidzam.audio.features import FeatureSpec, extract, extract_sequence
from tidzam.errors import AudioError
from tidzam.types import Float32

SPEC = FeatureSpec()
SMALL = FeatureSpec(rate_hz=8000, window_s=0.1, fft_length=256, hop_length=128, n_mels=12, fmax_hz=4000.0)


def noise(spec: FeatureSpec, count: int = 1) -> Float32:
    return np.random.default_rng(5).uniform(-0.5, 0.5, (count, spec.window_samples)).astype(np.float32)


def slow_features(samples: Float32, spec: FeatureSpec) -> list[list[float]]:
    """The same by the formulas, one number at a time: an independent reference for one window."""
    n = spec.fft_length
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * k / n) for k in range(n)]
    to_mel = [2595 * math.log10(1 + f / 700) for f in (spec.fmin_hz, spec.fmax_hz)]
    steps = [to_mel[0] + (to_mel[1] - to_mel[0]) * k / (spec.n_mels + 1) for k in range(spec.n_mels + 2)]
    edges = [700 * (10 ** (mel / 2595) - 1) for mel in steps]
    rows = []
    for start in range(0, len(samples) - n + 1, spec.hop_length):
        frame = [float(x) * w * 2 / sum(hann) for x, w in zip(samples[start : start + n], hann, strict=True)]
        power = np.abs(np.exp(-2j * np.pi * np.outer(np.arange(n // 2 + 1), np.arange(n)) / n) @ frame) ** 2
        row = []
        for low, center, high in zip(edges, edges[1:], edges[2:], strict=False):
            total = 0.0
            for k, value in enumerate(power):
                frequency = k * spec.rate_hz / n
                total += value * max(0, min((frequency - low) / (center - low), (high - frequency) / (high - center)))
            row.append(max(spec.floor_db, 10 * math.log10(max(total, 1e-30))))
        rows.append(row)
    return rows


def test_agrees_with_a_slow_reference() -> None:
    samples = noise(SMALL)
    np.testing.assert_allclose(extract(samples, SMALL)[0], slow_features(samples[0], SMALL), atol=2e-3)


def test_golden_numbers() -> None:
    """Bundles were trained on these values: changing them breaks all bundles."""
    found = extract(noise(SPEC), SPEC)[0]
    assert found.shape == SPEC.shape == (83, 64)
    picked = [round(float(found[frame, mel]), 2) for frame, mel in [(0, 0), (10, 7), (41, 31), (82, 63)]]
    assert picked == pytest.approx([-40.06, -27.13, -29.11, -19.34], abs=0.02)
    assert float(found.mean()) == pytest.approx(-26.209, abs=0.01)


@pytest.mark.parametrize("frequency_hz", [200.0, 1000.0, 3000.0, 8000.0])
def test_a_tone_peaks_in_its_band(frequency_hz: float) -> None:
    mean_db = extract(tone(frequency_hz, rate_hz=SPEC.rate_hz)[None], SPEC)[0].mean(axis=0)
    assert abs(int(mean_db.argmax()) - band_of(frequency_hz)) <= 1


def test_a_full_scale_sine_has_0_db_in_its_bin() -> None:
    bin_hz = SPEC.rate_hz / SPEC.fft_length
    spec = replace(SPEC, n_mels=1, fmin_hz=99 * bin_hz, fmax_hz=101 * bin_hz)  # zero at the bins beside the 100th
    samples = tone(100 * bin_hz, rate_hz=spec.rate_hz, amplitude=1.0)[None]
    assert extract(samples, spec) == pytest.approx(0.0, abs=0.05)


def test_silence_is_the_floor() -> None:
    silence = np.zeros((2, SPEC.window_samples), np.float32)
    np.testing.assert_allclose(extract(silence, SPEC), SPEC.floor_db, atol=1e-4)


def test_a_window_does_not_depend_on_its_neighbors() -> None:
    windows = noise(SPEC, 9)
    one_by_one = np.concatenate([extract(window[None], SPEC) for window in windows])
    np.testing.assert_allclose(extract(windows, SPEC), one_by_one, atol=1e-4)


def test_no_windows_give_no_features() -> None:
    assert extract(np.empty((0, SPEC.window_samples), np.float32), SPEC).shape == (0, *SPEC.shape)


@pytest.mark.parametrize("shape", [(SPEC.window_samples,), (1, SPEC.window_samples - 1)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(AudioError) as caught:
        extract(np.zeros(shape, np.float32), SPEC)
    assert caught.value.code == "feature_shape"


@pytest.mark.parametrize(
    "wrong",
    [
        {"fmax_hz": 12000.0},
        {"fmin_hz": 11000.0},
        {"fmin_hz": -1.0},
        {"window_s": 0.01},
        {"hop_length": 0},
        {"n_mels": 0},
        {"fft_length": 2**40},
        {"fft_length": 10**400},
        {"fft_length": 0},
        {"fft_length": -1024},
        {"n_mels": 10**9},
        {"n_mels": 4096, "fft_length": 16384},
        {"rate_hz": 2**31},
        {"rate_hz": 0},
        {"window_s": float("inf")},
        {"window_s": float("nan")},
        {"window_s": 1e300},
        {"window_s": -1.0},
        {"window_s": 600.0, "hop_length": 1},
        {"fmin_hz": float("nan")},
        {"fmax_hz": float("inf")},
        {"floor_db": float("-inf")},
        {"floor_db": float("nan")},
        {"floor_db": 1e30},
    ],
)
def test_a_spec_with_infinite_huge_or_contradictory_values_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(AudioError) as caught:
        FeatureSpec(**wrong)  # type: ignore[arg-type]
    assert caught.value.code == "feature_spec"


def test_a_spec_survives_being_written_down() -> None:
    assert FeatureSpec.from_dict(SMALL.to_dict()) == SMALL


@pytest.mark.parametrize("change", [{"rate_hz": "44100"}, {"rate_hz": 22050.5}, {"wavelet": 1}, {"n_mels": True}])
def test_a_written_spec_with_a_mistake_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(AudioError):
        FeatureSpec.from_dict(SPEC.to_dict() | change)


def test_a_written_spec_that_lacks_a_field_is_refused() -> None:
    values = SPEC.to_dict()
    del values["floor_db"]
    with pytest.raises(AudioError):
        FeatureSpec.from_dict(values)


def test_every_window_is_a_part_of_its_strip() -> None:
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, 120_000).astype(np.float32)
    sequence = extract_sequence(sound, SMALL)
    assert sequence.shape == (1 + (len(sound) - SMALL.fft_length) // SMALL.hop_length, SMALL.n_mels)
    for frame in (0, 7, 600):
        start = frame * SMALL.hop_length
        window = extract(sound[None, start : start + SMALL.window_samples], SMALL)[0]
        np.testing.assert_array_equal(sequence[frame : frame + len(window)], window)


def test_a_strip_of_less_than_one_fft_is_one_frame() -> None:
    assert extract_sequence(np.ones(3, np.float32), SMALL).shape == (1, SMALL.n_mels)
