"""Each step does what it says, the same for the same generator, and leaves what it is given as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec, extract_sequence
from tidzam.types import Float32
from trainer.data import augmentation as steps
from trainer.data.source import BACKGROUND, Batch
from trainer.data.spectrogram_ops import to_db, to_power

FLOOR_DB = -100.0
N_CLASSES = 4


class Stuff:
    """Material whose windows are as loud as it is told: a class each, and background."""

    floor_db = FLOOR_DB
    exclusive = np.array([False, False, False, True])

    def __init__(self, level_db: float = -40.0, *, has_background: bool = True) -> None:
        self.level_db, self.has_background = level_db, has_background
        self.asked: list[int] = []

    def examples(self, rng: Generator, labels: NDArray[np.int64]) -> Float32:
        self.asked += labels.tolist()
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
def test_crop_holds_a_stretch_of_the_sequence_and_silence(length: int, n: int, inside: float, seed: int) -> None:
    sequence = np.arange(1, length + 1, dtype=np.float32)[:, None]
    window = steps.Crop(inside=inside).window(rng(seed), sequence, n, FLOOR_DB)[:, 0]
    heard = window[window > 0]
    assert window.shape == (n,)
    assert len(heard) >= min(length, max(1, int(inside * n)))
    np.testing.assert_array_equal(np.diff(heard), 1)
    assert np.all(window[window <= 0] == FLOOR_DB)


def test_crop_reaches_both_ends_and_beyond() -> None:
    sequence = np.arange(1, 31, dtype=np.float32)[:, None]
    drawn = [steps.Crop().window(rng(k), sequence, 10, FLOOR_DB)[:, 0] for k in range(300)]
    first = {int(window[0]) for window in drawn}
    assert first == {int(FLOOR_DB), *range(1, 27)}  # at most half of the window is silence
    assert max(int(window[-1]) for window in drawn) == 30


def test_crop_stretches_what_it_takes() -> None:
    sequence = np.arange(1000, dtype=np.float32)[:, None]
    slopes = []
    for seed in range(200):
        window = steps.Crop(inside=1, stretch=0.2).window(rng(seed), sequence, 50, FLOOR_DB)[:, 0]
        slopes.append(float(window[-1] - window[0]) / 49)
        np.testing.assert_allclose(np.diff(window), slopes[-1], rtol=1e-3)
    assert 0.79 < min(slopes) < 0.83 and 1.17 < max(slopes) < 1.21


def test_crop_finds_what_sounds() -> None:
    sequence = np.full((1000, 4), -90, dtype=np.float32)
    sequence[700:730] = -20

    def share_that_sounds(sounding: float) -> float:
        crop = steps.Crop(sounding=sounding)
        return float(np.mean([crop.window(rng(k), sequence, 100, FLOOR_DB).max() > -30 for k in range(300)]))

    assert share_that_sounds(0) < 0.2 and share_that_sounds(0.1) > 0.6


def test_bands_are_shifted_up_and_down_by_at_most_so_many() -> None:
    features = np.full((200, 3, 32), -90, dtype=np.float32)
    features[:, :, 16] = -10
    shifted = steps.ShiftBands(bands=3).apply(rng(), Batch(features, np.zeros((200, 4), np.float32)), Stuff())
    peaks = shifted.features[:, 0].argmax(axis=1)
    assert set(peaks) == set(range(13, 20))
    np.testing.assert_allclose(shifted.features.mean(axis=2), features.mean(axis=2), atol=0.01)


def test_gain_adds_decibels_of_its_range_an_example() -> None:
    batch = batch_of(300)
    changed = steps.Gain(db=(-6, 6)).apply(rng(), batch, Stuff()).features - batch.features
    assert np.all(np.ptp(changed, axis=(1, 2)) < 1e-4)
    assert -6 <= changed.min() < -5.5 and 5.5 < changed.max() <= 6


def test_together_lays_other_classes_over_an_example_and_names_them_all() -> None:
    batch, stuff = batch_of(400, -40.0), Stuff(-40.0)
    features, targets = steps.Overlay(odds=(1, 1, 1)).apply(rng(), batch, stuff)
    sounding = np.rint(powers(features)[:, 0, 0] / powers(np.float32([-40]))[0])
    assert sorted(set(sounding)) == [1, 2, 3]
    assert BACKGROUND not in stuff.asked
    alone = sounding == 1
    np.testing.assert_array_equal(targets[alone], batch.targets[alone])
    assert np.all(targets[~alone, 3] == 0), "an exclusive class is a target only when it is alone"
    plain = ~alone & (batch.targets[:, 3] == 0)
    assert np.all(targets[plain].sum(axis=1) >= sounding[plain] - 1)


def test_together_takes_each_count_as_often_as_its_odds_say() -> None:
    stuff = Stuff()
    steps.Overlay(odds=(0.5, 0.5)).apply(rng(), batch_of(2000), stuff)
    assert len(stuff.asked) / 2000 == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 15.0])
def test_background_lies_at_the_drawn_signal_to_noise_ratio(snr_db: float) -> None:
    batch = batch_of(8)
    step = steps.Background(odds=1, alone=0, snr_db=(snr_db, snr_db))
    features, targets = step.apply(rng(), batch, Stuff(-77.0))
    noise = powers(features) - powers(batch.features)
    assert 10 * np.log10(powers(batch.features).mean() / noise.mean()) == pytest.approx(snr_db, abs=0.01)
    np.testing.assert_array_equal(targets, batch.targets)


def test_background_may_be_all_there_is_and_then_nothing_is_a_target() -> None:
    batch = batch_of(1000)
    features, targets = steps.Background(odds=0).apply(rng(), batch, Stuff(-77.0))
    alone = features[:, 0, 0] == -77
    assert alone.mean() == pytest.approx(1 / (N_CLASSES + 1), abs=0.04)
    assert not targets[alone].any()
    np.testing.assert_array_equal(targets[~alone], batch.targets[~alone])
    np.testing.assert_array_equal(features[~alone], batch.features[~alone])


def test_background_under_silence_keeps_its_level_and_without_any_nothing_happens() -> None:
    step = steps.Background(odds=1, alone=0, snr_db=(3, 3))
    under_silence = step.apply(rng(), batch_of(4, FLOOR_DB), Stuff(-60.0)).features
    np.testing.assert_allclose(under_silence, -63, atol=0.01)
    batch = batch_of(4)
    assert step.apply(rng(), batch, Stuff(has_background=False)) is batch


def test_microphone_noise_has_its_level() -> None:
    silence = batch_of(100, FLOOR_DB)
    level = steps.MicrophoneNoise(dbfs=(-70, -60)).apply(rng(), silence, Stuff()).features[:, 0, 0] + 20
    assert -70 <= level.min() < -69 and -61 < level.max() <= -59.9


def test_equalise_draws_a_smooth_curve_over_the_bands_the_same_at_all_times() -> None:
    batch = Batch(np.full((50, 6, 64), -50, dtype=np.float32), np.zeros((50, 4), np.float32))
    curves = steps.Equalise(db=6, knots=4).apply(rng(), batch, Stuff()).features + 50
    assert np.all(np.ptp(curves, axis=1) == 0)
    assert 4 < np.abs(curves).max() <= 6.001
    assert np.abs(np.diff(curves[:, 0], axis=1)).max() <= 12 / 21 + 1e-3


@pytest.mark.parametrize("domain", ["db", "power"])
def test_mixup_blends_targets_as_it_blends_features(domain: str) -> None:
    n = 8
    targets = np.eye(n, dtype=np.float32)
    sound = np.where(targets > 0, 0.0, -90.0).astype(np.float32) if domain == "power" else targets
    features = np.repeat(sound[:, None, :], 3, axis=1)
    step = steps.Mixup.model_validate({"domain": domain, "alpha": 0.4})
    mixed, blended = step.apply(rng(3), Batch(features, targets), Stuff())
    shares = powers(mixed[:, 0]) if domain == "power" else mixed[:, 0]
    np.testing.assert_allclose(shares, blended, atol=1e-5)
    np.testing.assert_allclose(blended.sum(axis=1), 1, atol=1e-6)
    assert np.any((blended > 0.05) & (blended < 0.95))


def test_mixup_leaves_as_many_alone_as_its_odds_say() -> None:
    batch = Batch(rng(1).standard_normal((1000, 2, 2)).astype(np.float32), np.zeros((1000, 4), np.float32))
    kept = steps.Mixup(odds=0.3).apply(rng(), batch, Stuff()).features == batch.features
    assert kept.all(axis=(1, 2)).mean() == pytest.approx(0.7, abs=0.05)


def test_spec_augment_masks_stretches_of_time_and_bands_with_the_mean() -> None:
    features = rng(1).standard_normal((40, 60, 40)).astype(np.float32)
    masked = steps.SpecAugment(masks=2, time=0.2, bands=0.1).apply(
        rng(2), Batch(features, np.zeros((40, 4), np.float32)), Stuff()
    )
    changed = masked.features != features
    times, bands = changed.all(axis=2), changed.all(axis=1)
    assert 12 < times.sum(axis=1).max() <= 2 * 12 and 4 < bands.sum(axis=1).max() <= 2 * 4
    assert np.array_equal(changed, times[:, :, None] | bands[:, None, :])
    for one, original, where in zip(masked.features, features, changed, strict=True):
        assert np.allclose(one[where], original.mean(), atol=1e-6)


STEPS = (
    steps.Crop(),
    steps.Gain(),
    steps.Overlay(),
    steps.Background(),
    steps.MicrophoneNoise(),
    steps.Equalise(),
    steps.ShiftBands(),
    steps.Mixup(),
    steps.SpecAugment(masks=1, time=0.5, bands=0.5),
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.step)
def test_every_step_repeats_itself_changes_something_and_spares_its_input(step: steps.AnyAugmentation) -> None:
    features = rng(7).uniform(-90, -20, (32, 6, 8)).astype(np.float32)
    batch = Batch(features.copy(), batch_of(32).targets)
    once, again = (step.apply(rng(5), batch, Stuff()) for _ in range(2))
    np.testing.assert_array_equal(once.features, again.features)
    np.testing.assert_array_equal(once.targets, again.targets)
    np.testing.assert_array_equal(batch.features, features)
    np.testing.assert_array_equal(batch.targets, batch_of(32).targets)
    assert not np.array_equal(once.features, features)
    assert once.features.dtype == once.targets.dtype == np.float32


def test_powers_add_as_sounds_do() -> None:
    """Two noises, extracted apart and added as powers, and extracted together: the same on the average."""
    spec = FeatureSpec()
    a, b = (0.1 * rng(k).standard_normal(20 * spec.rate_hz).astype(np.float32) for k in (1, 2))
    apart = to_db(sum(to_power(extract_sequence(one, spec)) for one in (a, b)), FLOOR_DB)
    together = extract_sequence(a + b, spec)
    assert 10 * np.log10(powers(together).mean() / powers(apart).mean()) == pytest.approx(0, abs=0.1)


def test_decibels_and_powers_are_inverse() -> None:
    db = np.linspace(-99, 20, 50, dtype=np.float32)
    np.testing.assert_allclose(to_db(to_power(db), FLOOR_DB), db, atol=1e-4)
    assert to_db(np.zeros(1, np.float32), FLOOR_DB)[0] == pytest.approx(FLOOR_DB, abs=1e-4)
