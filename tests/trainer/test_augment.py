"""Each step does what it says, and the same for the same generator."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import augment


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.integers(1, 300), st.integers(2, 100), st.integers(0, 1000))
def test_crop_holds_a_stretch_of_the_sound_and_zeros(length: int, n: int, seed: int) -> None:
    sound = np.arange(1, length + 1, dtype=np.float32)
    window = augment.crop(rng(seed), sound, n)
    inside = window[window > 0]
    assert window.shape == (n,)
    assert len(inside) >= min(length, n // 2)
    np.testing.assert_array_equal(np.diff(inside), 1)


def test_gain_stays_within_its_decibels() -> None:
    levels = [augment.gain(rng(k), np.ones(1, np.float32), low_db=-6, high_db=6)[0] for k in range(200)]
    assert 10 ** (-6 / 20) <= min(levels) < 0.6 and 1.6 < max(levels) <= 10 ** (6 / 20)


def test_microphone_noise_has_its_level() -> None:
    noise = augment.microphone_noise(rng(), np.zeros(100_000, np.float32), low_dbfs=-60, high_dbfs=-60)
    assert 20 * np.log10(np.std(noise)) == pytest.approx(-60, abs=0.1)


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 15.0])
def test_background_lies_at_the_drawn_snr(snr_db: float) -> None:
    sound, noise = (0.3 * rng(k).standard_normal(10_000).astype(np.float32) for k in (1, 2))
    scaled = augment.at_snr(sound, noise, snr_db=snr_db)
    assert 10 * np.log10(np.mean(sound**2) / np.mean(scaled**2)) == pytest.approx(snr_db, abs=1e-3)


def test_background_under_nothing_is_left_alone() -> None:
    noise = np.ones(8, np.float32)
    np.testing.assert_array_equal(augment.at_snr(np.zeros(8, np.float32), noise, snr_db=3), noise)


def test_spec_augment_masks_stretches_with_the_mean_and_spares_its_input() -> None:
    features = rng(1).standard_normal((4, 60, 40)).astype(np.float32)
    before = features.copy()
    masked = augment.spec_augment(rng(2), features)
    changed = masked != features
    assert 0.02 < changed.mean() < 0.6
    np.testing.assert_array_equal(features, before)
    for one, original, where in zip(masked, features, changed, strict=True):
        assert np.allclose(one[where], original.mean(), atol=1e-6)


def test_mixup_blends_targets_as_it_blends_features() -> None:
    targets = np.eye(8, dtype=np.float32)
    features = np.repeat(targets[:, None, :], 3, axis=1)
    mixed, blended = augment.mixup(rng(3), features, targets)
    np.testing.assert_allclose(mixed[:, 0, :], blended, atol=1e-6)
    np.testing.assert_allclose(blended.sum(axis=1), 1, atol=1e-6)
    assert np.any((blended > 0.05) & (blended < 0.95))


def test_same_generator_same_result() -> None:
    features = rng(1).standard_normal((2, 20, 10)).astype(np.float32)
    np.testing.assert_array_equal(augment.spec_augment(rng(5), features), augment.spec_augment(rng(5), features))
