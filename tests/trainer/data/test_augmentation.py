"""Augmentations: the contract that all of them fulfill, and the effect of each."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec, extract_sequence
from tidzam.types import Float32
from trainer.data import augmentation
from trainer.data.augmentation import AUGMENTATIONS, BUILT_IN, AugmentationStep, find_augmentation
from trainer.data.source import BACKGROUND, Batch
from trainer.data.spectrogram_ops import to_db, to_power

FLOOR_DB = -100.0
N_CLASSES = 4


class Context:
    """An AugmentContext whose windows all have one level."""

    floor_db = FLOOR_DB
    exclusive = np.array([False, False, False, True])

    def __init__(self, level_db: float = -40.0, *, has_background: bool = True) -> None:
        self.level_db, self.has_background = level_db, has_background
        self.drawn: list[int] = []

    def examples(self, rng: Generator, labels: NDArray[np.int64]) -> Float32:
        self.drawn += labels.tolist()
        return np.full((len(labels), 6, 8), self.level_db, dtype=np.float32)

    def white_noise(self, rng: Generator, count: int) -> Float32:
        return np.full((count, 6, 8), 0.01, dtype=np.float32)


def rng(seed: int = 0) -> Generator:
    return np.random.default_rng(seed)


def batch_of(n: int, level_db: float = -50.0) -> Batch:
    targets = np.eye(N_CLASSES, dtype=np.float32)[np.arange(n) % N_CLASSES]
    return Batch(np.full((n, 6, 8), level_db, dtype=np.float32), targets)


def powers(features: Float32) -> NDArray[np.float64]:
    return 10 ** (features.astype(np.float64) / 10)


@given(st.integers(1, 300), st.integers(2, 100), st.floats(0.1, 1), st.integers(0, 1000))
def test_crop_is_part_of_the_sequence_padded_with_silence(length: int, n: int, inside: float, seed: int) -> None:
    sequence = np.arange(1, length + 1, dtype=np.float32)[:, None]
    window = augmentation.Crop(inside=inside).window(rng(seed), sequence, n, FLOOR_DB)[:, 0]
    heard = window[window > 0]
    assert window.shape == (n,)
    assert len(heard) >= min(length, max(1, int(inside * n)))
    np.testing.assert_array_equal(np.diff(heard), 1)
    assert np.all(window[window <= 0] == FLOOR_DB)


def test_crop_reaches_both_ends_and_beyond() -> None:
    sequence = np.arange(1, 31, dtype=np.float32)[:, None]
    drawn = [augmentation.Crop().window(rng(k), sequence, 10, FLOOR_DB)[:, 0] for k in range(300)]
    first = {int(window[0]) for window in drawn}
    assert first == {int(FLOOR_DB), *range(1, 27)}  # at most half of the window is silence
    assert max(int(window[-1]) for window in drawn) == 30


def test_crop_stretches_time() -> None:
    sequence = np.arange(1000, dtype=np.float32)[:, None]
    slopes = []
    for seed in range(200):
        window = augmentation.Crop(inside=1, stretch=0.2).window(rng(seed), sequence, 50, FLOOR_DB)[:, 0]
        slopes.append(float(window[-1] - window[0]) / 49)
        np.testing.assert_allclose(np.diff(window), slopes[-1], rtol=1e-3)
    assert 0.79 < min(slopes) < 0.83
    assert 1.17 < max(slopes) < 1.21


def test_crop_prefers_loud_parts() -> None:
    sequence = np.full((1000, 4), -90, dtype=np.float32)
    sequence[700:730] = -20

    def share_of_loud_windows(sounding: float) -> float:
        crop = augmentation.Crop(sounding=sounding)
        return float(np.mean([crop.window(rng(k), sequence, 100, FLOOR_DB).max() > -30 for k in range(300)]))

    assert share_of_loud_windows(0) < 0.2
    assert share_of_loud_windows(0.1) > 0.6


def test_shift_bands_shifts_by_at_most_its_parameter() -> None:
    features = np.full((200, 3, 32), -90, dtype=np.float32)
    features[:, :, 16] = -10
    shifted = augmentation.ShiftBands(bands=3).apply(rng(), Batch(features, np.zeros((200, 4), np.float32)), Context())
    peaks = shifted.features[:, 0].argmax(axis=1)
    assert set(peaks) == set(range(13, 20))
    np.testing.assert_allclose(shifted.features.mean(axis=2), features.mean(axis=2), atol=0.01)


def test_gain_adds_one_number_of_decibels_per_example() -> None:
    batch = batch_of(300)
    changed = augmentation.Gain(db=(-6, 6)).apply(rng(), batch, Context()).features - batch.features
    assert np.all(np.ptp(changed, axis=(1, 2)) < 1e-4)
    assert -6 <= changed.min() < -5.5
    assert 5.5 < changed.max() <= 6


def test_overlay_adds_other_classes_and_their_targets() -> None:
    batch, context = batch_of(400, -40.0), Context(-40.0)
    features, targets = augmentation.Overlay(odds=(1, 1, 1)).apply(rng(), batch, context)
    sounding = np.rint(powers(features)[:, 0, 0] / 10 ** (-40 / 10))
    assert sorted(set(sounding)) == [1, 2, 3]
    assert BACKGROUND not in context.drawn
    alone = sounding == 1
    np.testing.assert_array_equal(targets[alone], batch.targets[alone])
    assert np.all(targets[~alone, 3] == 0), "an exclusive class is a target only when it is alone"
    plain = ~alone & (batch.targets[:, 3] == 0)
    assert np.all(targets[plain].sum(axis=1) >= sounding[plain] - 1)


def test_overlay_draws_counts_by_their_odds() -> None:
    context = Context()
    augmentation.Overlay(odds=(0.5, 0.5)).apply(rng(), batch_of(2000), context)
    assert len(context.drawn) / 2000 == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 15.0])
def test_background_lies_at_the_drawn_signal_to_noise_ratio(snr_db: float) -> None:
    batch = batch_of(8)
    step = augmentation.Background(odds=1, alone=0, snr_db=(snr_db, snr_db))
    features, targets = step.apply(rng(), batch, Context(-77.0))
    noise = powers(features) - powers(batch.features)
    assert 10 * np.log10(powers(batch.features).mean() / noise.mean()) == pytest.approx(snr_db, abs=0.01)
    np.testing.assert_array_equal(targets, batch.targets)


def test_background_alone_leaves_no_targets() -> None:
    batch = batch_of(1000)
    features, targets = augmentation.Background(odds=0).apply(rng(), batch, Context(-77.0))
    alone = features[:, 0, 0] == -77
    assert alone.mean() == pytest.approx(1 / (N_CLASSES + 1), abs=0.04)
    assert not targets[alone].any()
    np.testing.assert_array_equal(targets[~alone], batch.targets[~alone])
    np.testing.assert_array_equal(features[~alone], batch.features[~alone])


def test_background_under_silence_keeps_its_level_and_without_background_nothing_changes() -> None:
    step = augmentation.Background(odds=1, alone=0, snr_db=(3, 3))
    under_silence = step.apply(rng(), batch_of(4, FLOOR_DB), Context(-60.0)).features
    np.testing.assert_allclose(under_silence, -63, atol=0.01)
    batch = batch_of(4)
    assert step.apply(rng(), batch, Context(has_background=False)) is batch


def test_microphone_noise_has_its_level() -> None:
    silence = batch_of(100, FLOOR_DB)
    level = augmentation.MicrophoneNoise(dbfs=(-70, -60)).apply(rng(), silence, Context()).features[:, 0, 0] + 20
    assert -70 <= level.min() < -69
    assert -61 < level.max() <= -59.9


def test_equalize_is_a_smooth_curve_over_the_bands_constant_in_time() -> None:
    batch = Batch(np.full((50, 6, 64), -50, dtype=np.float32), np.zeros((50, 4), np.float32))
    curves = augmentation.Equalize(db=6, knots=4).apply(rng(), batch, Context()).features + 50
    assert np.all(np.ptp(curves, axis=1) == 0)
    assert 4 < np.abs(curves).max() <= 6.001
    assert np.abs(np.diff(curves[:, 0], axis=1)).max() <= 12 / 21 + 1e-3


@pytest.mark.parametrize("domain", ["db", "power"])
def test_mixup_blends_targets_as_it_blends_features(domain: str) -> None:
    n = 8
    targets = np.eye(n, dtype=np.float32)
    sound = np.where(targets > 0, 0.0, -90.0).astype(np.float32) if domain == "power" else targets
    features = np.repeat(sound[:, None, :], 3, axis=1)
    step = augmentation.Mixup.model_validate({"domain": domain, "alpha": 0.4})
    mixed, blended = step.apply(rng(3), Batch(features, targets), Context())
    shares = powers(mixed[:, 0]) if domain == "power" else mixed[:, 0]
    np.testing.assert_allclose(shares, blended, atol=1e-5)
    np.testing.assert_allclose(blended.sum(axis=1), 1, atol=1e-6)
    assert np.any((blended > 0.05) & (blended < 0.95))


def test_mixup_blends_a_share_of_the_examples() -> None:
    batch = Batch(rng(1).standard_normal((1000, 2, 2)).astype(np.float32), np.zeros((1000, 4), np.float32))
    kept = augmentation.Mixup(odds=0.3).apply(rng(), batch, Context()).features == batch.features
    assert kept.all(axis=(1, 2)).mean() == pytest.approx(0.7, abs=0.05)


def test_spec_augment_sets_times_and_bands_to_the_mean() -> None:
    features = rng(1).standard_normal((40, 60, 40)).astype(np.float32)
    masked = augmentation.SpecAugment(masks=2, time=0.2, bands=0.1).apply(
        rng(2), Batch(features, np.zeros((40, 4), np.float32)), Context()
    )
    changed = masked.features != features
    times, bands = changed.all(axis=2), changed.all(axis=1)
    assert 12 < times.sum(axis=1).max() <= 2 * 12
    assert 4 < bands.sum(axis=1).max() <= 2 * 4
    assert np.array_equal(changed, times[:, :, None] | bands[:, None, :])
    for one, original, where in zip(masked.features, features, changed, strict=True):
        assert np.allclose(one[where], original.mean(), atol=1e-6)


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
class TestContract:
    """What every augmentation promises (`trainer.data.augmentation.base.Augmentation`)."""

    BATCH = Batch(rng(7).uniform(-90, -20, (32, 6, 8)).astype(np.float32), batch_of(32).targets)

    def apply(self, name: str, seed: int = 5) -> Batch:
        return find_augmentation(name)(step=name).apply(rng(seed), self.BATCH, Context())

    def test_it_changes_features(self, name: str) -> None:
        assert any(not np.array_equal(self.apply(name, seed).features, self.BATCH.features) for seed in range(10))

    def test_it_keeps_shapes_and_dtypes(self, name: str) -> None:
        changed = self.apply(name)
        for one, other in zip(changed, self.BATCH, strict=True):
            assert (one.shape, one.dtype) == (other.shape, other.dtype)

    def test_its_targets_are_shares(self, name: str) -> None:
        targets = self.apply(name).targets
        assert targets.min() >= 0
        assert targets.max() <= 1

    def test_the_same_generator_gives_the_same_batch(self, name: str) -> None:
        for one, other in zip(self.apply(name), self.apply(name), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_it_does_not_change_its_input(self, name: str) -> None:
        before = [array.copy() for array in self.BATCH]
        self.apply(name)
        for array, copy in zip(self.BATCH, before, strict=True):
            np.testing.assert_array_equal(array, copy)

    def test_only_augmentations_with_adds_classes_add_classes(self, name: str) -> None:
        several = any((self.apply(name, seed).targets.sum(axis=1) > 1 + 1e-6).any() for seed in range(10))
        assert several == find_augmentation(name).adds_classes

    def test_it_can_be_sent_to_another_process(self, name: str) -> None:
        augmentation = find_augmentation(name)(step=name)
        assert pickle.loads(pickle.dumps(augmentation)) == augmentation


def test_the_registry_names_each_class_by_its_step() -> None:
    classes = {name: find_augmentation(name).__name__ for name in BUILT_IN}
    assert sorted(classes.values()) == sorted(one.__name__ for one in built_in_classes())


def built_in_classes() -> set[type[AugmentationStep]]:
    return {one for one in AugmentationStep.__subclasses__() if one.__module__.startswith("trainer.")}


def test_powers_of_overlapping_signals_add() -> None:
    """The features of a sum of two noises equal the sum of their powers on average."""
    spec = FeatureSpec()
    a, b = (0.1 * rng(k).standard_normal(20 * spec.rate_hz).astype(np.float32) for k in (1, 2))
    apart = to_db(to_power(extract_sequence(a, spec)) + to_power(extract_sequence(b, spec)), FLOOR_DB)
    together = extract_sequence(a + b, spec)
    assert 10 * np.log10(powers(together).mean() / powers(apart).mean()) == pytest.approx(0, abs=0.1)


def test_decibels_and_powers_are_inverse() -> None:
    db = np.linspace(-99, 20, 50, dtype=np.float32)
    np.testing.assert_allclose(to_db(to_power(db), FLOOR_DB), db, atol=1e-4)
    assert to_db(np.zeros(1, np.float32), FLOOR_DB)[0] == pytest.approx(FLOOR_DB, abs=1e-4)
