"""The selector and the experts under it: which runs on which window, and their joint probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.audio.windows import window_features
from tidzam.bundle import BundleManifest
from tidzam.bundle.hierarchy import merged_labels, ordered
from tidzam.inference.engines import Network
from tidzam.inference.output_check import OutputCheck
from tidzam.types import Float32

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Prediction:
    """The joint probability of each class whose classifier ran, and the classifiers that were left out.

    Left out are the classifiers whose band the audio lacks, and those whose outputs were not probabilities.
    """

    probabilities: dict[str, float]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Classifier:
    """A bundle's manifest and its loaded network."""

    manifest: BundleManifest
    network: Network

    @property
    def name(self) -> str:
        return self.manifest.name


class Cascade:
    """Classifiers joined by name: an expert is placed under the class with its name, to any depth.

    `classifiers` are ordered parents first, the selector at the head; `labels` is the tree of all of them, and
    `classes` their outputs, parents before children.
    """

    def __init__(self, classifiers: Iterable[Classifier], *, gate: float = 0.05) -> None:
        """Raises BundleError: `bundle_cascade` if names do not form a tree, `bundle_features` if windows differ."""
        self.classifiers = order(tuple(classifiers))
        self.gate = gate
        self.labels = merged_labels(one.manifest for one in self.classifiers)
        self.classes = tuple(
            label
            for classifier in self.classifiers
            for label in sorted(classifier.manifest.classes, key=lambda label: len(self.labels.path(label)))
        )
        self.thresholds = {k: v for classifier in self.classifiers for k, v in classifier.manifest.thresholds.items()}
        self.output_check = OutputCheck()
        self._columns = {label: column for column, label in enumerate(self.classes)}
        self._parents = {label: self._parent_column(label) for label in self.classes}
        self._orders = {classifier.name: self._order(classifier) for classifier in self.classifiers}

    @property
    def window_s(self) -> float:
        return self.classifiers[0].manifest.features.window_s

    @property
    def specs(self) -> frozenset[FeatureSpec]:
        return frozenset(classifier.manifest.features for classifier in self.classifiers)

    def predict(self, windows: Float32, rate_hz: int) -> list[dict[str, float]]:
        """The probabilities of `classify`, for sources that have every band."""
        return [found.probabilities for found in self.classify(windows, rate_hz)]

    def classify(self, windows: Float32, rate_hz: int, source_rates_hz: Sequence[int | None] = ()) -> list[Prediction]:
        """The predictions of every classifier that ran on windows (n, frames) at `rate_hz`.

        A child's joint probability is its classifier's output times its parent's joint probability. An expert runs
        on the windows whose parent class reaches `gate`; its classes are absent from the others. So are those of a
        classifier that is left out, and of the experts under it. `source_rates_hz` holds the rate of each window's
        source, None if that is unknown; it may be empty.
        """
        features = FeatureCache(windows, rate_hz)
        joint = np.full((len(windows), len(self.classes)), np.nan, dtype=np.float32)
        left_out = [self.lacking_band(rate) for rate in source_rates_hz or [None] * len(windows)]
        for classifier in self.classifiers:
            lacking = [row for row, names in enumerate(left_out) if classifier.name in names]
            rows = np.setdiff1d(self._rows(classifier, joint), lacking, assume_unique=True)
            if len(rows):
                seen = features.of(classifier.manifest.features, rows)
                classes = len(classifier.manifest.classes)
                outputs, fine = self.output_check.outputs(classifier.name, classifier.network, seen, classes)
                self._multiply(classifier, outputs, joint, rows[fine])
                for row in rows[~fine]:
                    left_out[row] += (classifier.name,)
        return [
            Prediction({label: float(p) for label, p in zip(self.classes, row, strict=True) if not np.isnan(p)}, names)
            for row, names in zip(joint, left_out, strict=True)
        ]

    @lru_cache(maxsize=256)  # noqa: B019 - a cascade lives as long as its program
    def lacking_band(self, source_rate_hz: int | None) -> tuple[str, ...]:
        """The classifiers that need a band that a source of this rate lacks; none if the rate is unknown."""
        if source_rate_hz is None:
            return ()
        return tuple(c.name for c in self.classifiers if source_rate_hz < c.manifest.features.rate_hz)

    def _rows(self, classifier: Classifier, joint: Float32) -> Rows:
        """The windows that `classifier` is to run on."""
        if classifier.manifest.is_selector:
            return np.arange(len(joint))
        return np.flatnonzero(joint[:, self._columns[classifier.name]] >= self.gate)

    def _multiply(self, classifier: Classifier, outputs: Float32, joint: Float32, rows: Rows) -> None:
        """Write the outputs (len(rows), classes) of `classifier` to `joint`, each times the value of its parent."""
        for label, output in self._orders[classifier.name]:
            parent = self._parents[label]
            weight = np.float32(1) if parent is None else joint[rows, parent]
            joint[rows, self._columns[label]] = outputs[:, output] * weight

    def _order(self, classifier: Classifier) -> list[tuple[str, int]]:
        """A classifier's classes, parents first, each with the index of its output."""
        outputs = {label: number for number, label in enumerate(classifier.manifest.classes)}
        return sorted(outputs.items(), key=lambda item: self._columns[item[0]])

    def _parent_column(self, label: str) -> int | None:
        """The column of the nearest ancestor of `label` that is a class of some classifier."""
        ancestors = reversed(self.labels.path(label)[:-1])
        return next((self._columns[ancestor] for ancestor in ancestors if ancestor in self._columns), None)


class FeatureCache:
    """The features of some windows, computed once per spec, and only for the rows that are requested."""

    def __init__(self, windows: Float32, rate_hz: int) -> None:
        self._windows = windows
        self._rate_hz = rate_hz
        self._features: dict[FeatureSpec, Float32] = {}
        self._done: dict[FeatureSpec, NDArray[np.bool_]] = {}

    def of(self, spec: FeatureSpec, rows: Rows) -> Float32:
        """Features of `rows`, shape (len(rows), *spec.shape)."""
        count = len(self._windows)
        features = self._features.setdefault(spec, np.empty((count, *spec.shape), dtype=np.float32))
        done = self._done.setdefault(spec, np.zeros(count, dtype=np.bool_))
        fresh = rows[~done[rows]]
        if len(fresh):
            features[fresh] = window_features(self._windows[fresh], self._rate_hz, spec)
            done[fresh] = True
        return features if len(rows) == count else features[rows]


def order(classifiers: tuple[Classifier, ...]) -> tuple[Classifier, ...]:
    """`classifiers`, the selector first and every expert after its parent.

    Raises BundleError if they do not form a cascade.
    """
    ranks = {manifest.name: rank for rank, manifest in enumerate(ordered(one.manifest for one in classifiers))}
    return tuple(sorted(classifiers, key=lambda classifier: ranks[classifier.name]))
