"""Classifiers without training: their outputs are functions of the features."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit

from tidzam.audio.features import FeatureSpec
from tidzam.bundle import BundleManifest
from tidzam.inference.cascade import Classifier
from tidzam.labels import LabelTree
from tidzam.types import Float32

SPEC = FeatureSpec(rate_hz=8000, window_s=0.05, fft_length=128, hop_length=64, n_mels=8, fmax_hz=4000.0)
"""Small, so that many can be made."""


class Projection:
    """A network of one layer with drawn weights: the same features always give the same probabilities."""

    def __init__(self, spec: FeatureSpec, classes: int, seed: int) -> None:
        self._weights = np.random.default_rng(seed).normal(0, 0.3, (spec.n_mels, classes)).astype(np.float32)
        self.input_shape = (None, *spec.shape)
        self.rows = 0

    def predict(self, features: Float32) -> Float32:
        self.rows += len(features)
        outputs: Float32 = expit((features.mean(axis=1) + 50) @ self._weights)
        return outputs


def classifier(
    name: str, parents: Mapping[str, str | None], *, seed: int = 0, spec: FeatureSpec = SPEC, threshold: float = 0.5
) -> Classifier:
    """A classifier called `name` of all the labels in `parents`."""
    manifest = BundleManifest(
        name=name,
        features=spec,
        hop_s=spec.window_s,
        classes=tuple(parents),
        labels=LabelTree(dict(parents)),
        activation="sigmoid",
        thresholds=dict.fromkeys(parents, threshold),
        provenance={},
        accuracy={},
    )
    return Classifier(manifest, Projection(spec, len(parents), seed))


def flat(name: str, *labels: str, seed: int = 0, spec: FeatureSpec = SPEC) -> Classifier:
    """A classifier whose classes have no parents."""
    return classifier(name, dict.fromkeys(labels), seed=seed, spec=spec)


def label_trees(size: int = 9) -> st.SearchStrategy[LabelTree]:
    """Any forest of labels c0, c1 …, parents before children."""
    parents = st.lists(st.integers(-1, size - 1), min_size=1, max_size=size)
    return parents.map(lambda p: LabelTree({f"c{k}": f"c{j}" if 0 <= j < k else None for k, j in enumerate(p)}))
