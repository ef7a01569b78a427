"""Batches: repeatable, and labelled as what was laid together."""

from pathlib import Path

import numpy as np

from tidzam.audio.features import FeatureSpec
from trainer.batches import Batches, Recipe
from trainer.folders import Clip, Sound
from trainer.models import Activation

SPEC = FeatureSpec(rate_hz=8000, window_s=0.25, fft_length=256, hop_length=128, n_mels=16, fmax_hz=4000)
CLASSES = ("high", "low", "silence")


def tone(hz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(4000) / 8000)).astype(np.float32)


def make(activation: Activation, *, background: bool = False, seed: int = 1) -> Batches:
    sources = zip(CLASSES, (tone(3000), tone(400), np.zeros(4000, np.float32)), strict=True)
    sounds = [Sound(Clip(Path(label), label, label), samples) for label, samples in sources]
    recipe = Recipe(activation=activation, exclusive=frozenset({"silence"}))
    return Batches(sounds, [tone(1500)] if background else [], CLASSES, SPEC, recipe, size=64, seed=seed)


def test_batch_k_is_always_the_same() -> None:
    ahead = list(make("sigmoid").ahead(6, workers=3))
    for (features, targets), (again, targets_again) in zip(ahead, (make("sigmoid")[k] for k in range(6)), strict=True):
        np.testing.assert_array_equal(features, again)
        np.testing.assert_array_equal(targets, targets_again)


def test_shapes_and_another_seed() -> None:
    features, targets = make("sigmoid")[0]
    assert features.shape == (64, *SPEC.shape) and targets.shape == (64, 3)
    assert not np.array_equal(features, make("sigmoid", seed=2)[0][0])


def test_union_labels_and_silence_only_alone() -> None:
    targets = np.concatenate([make("sigmoid")[k][1] for k in range(10)])
    together = targets.sum(axis=1)
    assert (together == 2).any() and (together == 1).any() and set(np.unique(targets)) == {0.0, 1.0}
    assert np.all(together[targets[:, 2] == 1] == 1)


def test_what_is_labelled_is_what_sounds() -> None:
    features, targets = make("sigmoid")[0]
    high, low = features[:, :, 12:].max(axis=(1, 2)), features[:, :, :4].max(axis=(1, 2))
    assert high[targets[:, 0] == 1].min() > high[targets[:, 0] == 0].max()
    assert low[targets[:, 1] == 1].min() > low[targets[:, 1] == 0].max()


def test_background_may_be_all_there_is() -> None:
    targets = np.concatenate([make("sigmoid", background=True)[k][1] for k in range(5)])
    assert (targets.sum(axis=1) == 0).any()


def test_softmax_targets_are_distributions() -> None:
    _, targets = make("softmax")[0]
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
