"""The isolation forest and its export, against scikit-learn; the statistics, against NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import MiniBatchKMeans
from sklearn.ensemble import IsolationForest

from tidzam.audio.features import FeatureSpec
from tidzam.errors import BundleError
from tidzam.inference.onnx_engine import OnnxEngine
from tidzam.types import Float32
from trainer.novelty.forest import MAX_DIFFERENCE, MAX_TYPICAL_DIFFERENCE, ForestOptions, ScoredForest
from trainer.novelty.statistics_network import BANDS, STATISTICS, StatisticsNetwork
from trainer.novelty.typical_windows import TypicalWindows

OPTIONS = ForestOptions(trees=30, samples=128, seed=5)


@pytest.fixture(scope="module")
def vectors() -> Float32:
    return np.random.default_rng(1).normal(size=(600, 12)).astype(np.float32)


def test_scores_are_those_of_scikit_learn(vectors: Float32) -> None:
    extended = TypicalWindows(vectors, seed=5, unit=False).extended(vectors)
    seen = extended[:, [*range(12), 12, 12, 12, 13, 13, 13]]
    plain = IsolationForest(n_estimators=30, max_samples=128, random_state=5).fit(seen)
    assert np.array_equal(ScoredForest(vectors, OPTIONS).scores(vectors), -plain.score_samples(seen))


@pytest.mark.parametrize("unit", [False, True])
def test_two_values_are_added_to_a_vector(vectors: Float32, unit: bool) -> None:
    typical = TypicalWindows(vectors, seed=5, unit=unit)
    scaled = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) if unit else vectors
    standard = (scaled - scaled.mean(axis=0)) / scaled.std(axis=0)
    clusters = MiniBatchKMeans(75, random_state=5, n_init=1, batch_size=2048).fit(standard.astype(np.float64))
    found = typical.extended(vectors)
    assert np.allclose(found[:, :12], scaled, atol=1e-6)
    assert np.allclose(found[:, 13], np.log(np.abs(standard).max(axis=1)), atol=1e-3)
    nearest = clusters.transform(standard.astype(np.float64)).min(axis=1)
    assert np.corrcoef(found[:, 12], np.log(np.maximum(nearest, 1e-3)))[0, 1] > 0.9


@pytest.mark.parametrize("unit", [False, True])
def test_the_network_agrees_with_numpy(vectors: Float32, unit: bool) -> None:
    typical = TypicalWindows(vectors, seed=5, unit=unit)
    others = np.random.default_rng(2).normal(scale=50, size=(2000, 12)).astype(np.float32)
    assert typical.difference(np.vstack([vectors, others, np.zeros((1, 12), np.float32)])) < MAX_TYPICAL_DIFFERENCE / 10


def test_another_network_than_numpy_expects_is_not_exported(tmp_path: Path, vectors: Float32) -> None:
    forest = ScoredForest(vectors, OPTIONS)
    forest._typical._centers = forest._typical._centers + 0.1
    with pytest.raises(BundleError, match="differ from NumPy's"):
        forest.write(tmp_path / "forest.onnx", vectors)


def test_the_exported_forest_returns_the_same_scores(tmp_path: Path, vectors: Float32) -> None:
    forest = ScoredForest(vectors, OPTIONS)
    others = np.random.default_rng(2).normal(scale=3, size=(2000, 12)).astype(np.float32)
    forest.write(tmp_path / "forest.onnx", vectors)
    found = OnnxEngine().load(tmp_path / "forest.onnx", threads=1).predict(others)
    assert np.abs(found[:, 0] - forest.scores(others)).max() <= MAX_DIFFERENCE


def test_values_at_a_split_take_the_same_branch(tmp_path: Path, vectors: Float32) -> None:
    rounded = vectors.round(1)  # splits lie between values that differ by one digit
    forest = ScoredForest(rounded, OPTIONS)
    assert forest.write(tmp_path / "forest.onnx", rounded) <= MAX_DIFFERENCE


def test_a_vector_far_from_all_others_has_the_highest_score(vectors: Float32) -> None:
    forest = ScoredForest(vectors, OPTIONS)
    far = np.full((1, 12), 9.0, np.float32)
    assert forest.scores(far)[0] > forest.scores(vectors).max()


def test_the_statistics_are_those_of_their_definition() -> None:
    spec = FeatureSpec()
    features = np.random.default_rng(3).uniform(-90, -20, (4, *spec.shape)).astype(np.float32)
    bands = features.reshape(4, spec.n_frames, BANDS, -1).mean(axis=3)
    contrasts = np.abs(np.diff(features, axis=2))
    groups = np.array_split(np.arange(spec.n_mels - 1), BANDS)
    expected = [
        bands.mean(axis=1),
        bands.std(axis=1),
        bands.max(axis=1),
        bands.min(axis=1),
        np.abs(np.diff(bands, axis=1)).mean(axis=1),
        np.stack([contrasts[:, :, group].mean(axis=(1, 2)) for group in groups], axis=1),
    ]
    found = StatisticsNetwork(spec).embed(features)
    assert found.shape == (4, BANDS * STATISTICS)
    assert np.allclose(found, np.concatenate(expected, axis=1), atol=1e-3)
