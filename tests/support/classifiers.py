"""Classifiers without training: their outputs are functions of the features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit, softmax

from tidzam.audio.features import FeatureSpec
from tidzam.bundle import BundleManifest
from tidzam.inference.cascade import Classifier
from tidzam.labels import LabelTree
from tidzam.types import Float32

Activation = Literal["sigmoid", "softmax"]

SPEC = FeatureSpec(rate_hz=8000, window_s=0.05, fft_length=128, hop_length=64, n_mels=8, fmax_hz=4000.0)
"""Small, so that many can be made."""


class Projection:
    """A network of one layer with drawn weights: the same features always give the same probabilities."""

    def __init__(self, spec: FeatureSpec, classes: int, seed: int, activation: Activation = "sigmoid") -> None:
        self._activation = activation
        self._weights = np.random.default_rng(seed).normal(0, 0.3, (spec.n_mels, classes)).astype(np.float32)
        self.input_shape = (None, *spec.shape)
        self.rows = 0

    def predict(self, features: Float32) -> Float32:
        self.rows += len(features)
        logits = (features.mean(axis=1) + 50) @ self._weights
        outputs: Float32 = expit(logits) if self._activation == "sigmoid" else softmax(logits, axis=1)
        return outputs


def classifier(
    name: str,
    parents: Mapping[str, str | None],
    *,
    seed: int = 0,
    spec: FeatureSpec = SPEC,
    threshold: float = 0.5,
    parent: str | None = None,
    activation: Activation = "sigmoid",
) -> Classifier:
    """A classifier called `name` of all the labels in `parents`, below the class `parent` (by default, `name`)."""
    manifest = BundleManifest(
        name=name,
        features=spec,
        hop_s=spec.window_s,
        classes=tuple(parents),
        labels=LabelTree(dict(parents)),
        activation=activation,
        parent=parent,
        thresholds=dict.fromkeys(parents, threshold),
        provenance={},
        accuracy={},
    )
    return Classifier(manifest, Projection(spec, len(parents), seed, activation))


def flat(
    name: str,
    *labels: str,
    seed: int = 0,
    spec: FeatureSpec = SPEC,
    parent: str | None = None,
    activation: Activation = "sigmoid",
) -> Classifier:
    """A classifier whose classes have no parents."""
    return classifier(name, dict.fromkeys(labels), seed=seed, spec=spec, parent=parent, activation=activation)


@st.composite
def cascades(draw: st.DrawFn) -> list[Classifier]:
    """The classifiers of any tree of classes, in any order, with one or two experts below each class with children."""
    tree = draw(label_trees())
    activations: st.SearchStrategy[Activation] = st.sampled_from(["sigmoid", "softmax"])
    found = [flat("selector", *tree.roots, seed=draw(st.integers(0, 99)), activation=draw(activations))]
    for label in (label for label in tree if tree.children(label)):
        children = tree.children(label)
        cut = draw(st.integers(0, len(children) - 1))
        for number, part in enumerate(filter(None, (children[:cut], children[cut:]))):
            seed, activation = draw(st.integers(0, 99)), draw(activations)
            found.append(flat(f"{label}-{number}", *part, seed=seed, parent=label, activation=activation))
    return list(draw(st.permutations(found)))


def label_trees(size: int = 9) -> st.SearchStrategy[LabelTree]:
    """Any forest of labels c0, c1 …, parents before children."""
    parents = st.lists(st.integers(-1, size - 1), min_size=1, max_size=size)
    return parents.map(lambda p: LabelTree({f"c{k}": f"c{j}" if 0 <= j < k else None for k, j in enumerate(p)}))
