"""Likely label errors: samples that a classifier confidently assigns to another class.

As in confident learning (Northcutt, Jiang, Chuang: Estimating Uncertainty in Dataset Labels, 2021), a prediction is
confident from the mean probability of its class on samples with that label. The bundle's threshold is used instead if
it is lower, because half of the samples of a well recognized class are below their mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from database_tool.editor.edits import Content
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle, BundleManifest
from tidzam.dataset import require_same_features
from tidzam.errors import DatasetError
from tidzam.inference.batches import in_batches
from tidzam.inference.engines import ALL_CORES
from tidzam.inference.loading import load_network
from tidzam.progress import Progress, no_progress
from tidzam.types import Float32

BLOCK_WINDOWS = 1024
"""Windows that are in memory at once, approximately."""

Read = Callable[[NDArray[np.int64]], Float32]
"""The features of samples by their indices, float32 (k, frames, mels) in dB."""


@dataclass(frozen=True)
class LabelIssue:
    """A sample labeled `label`, with probability `p_label`, and `predicted`, with probability `p_predicted`."""

    sample: int
    label: str
    predicted: str
    p_label: float
    p_predicted: float

    @property
    def margin(self) -> float:
        return self.p_predicted - self.p_label


def find_label_issues(
    content: Content,
    spec: FeatureSpec,
    read: Read,
    bundle: Bundle,
    *,
    advance: Progress = no_progress,
) -> list[LabelIssue]:
    """The samples whose label `bundle` confidently contradicts, the largest margin first.

    Samples of classes that the bundle does not know are skipped, and an ancestor or descendant of a label does not
    contradict it. Raises DatasetError if the features differ or the dataset and the bundle have no class in common.
    """
    manifest, wanted = bundle.manifest, bundle.manifest.feature_spec
    require_same_features(spec, wanted, names=("the dataset", bundle.name), but=("window_s",))
    if spec.n_frames < wanted.n_frames:
        raise DatasetError(
            f"Samples have {spec.window_s:g} s, but {bundle.name} needs windows of {wanted.window_s:g} s.",
            hint="Use a bundle that was trained on samples of this length or shorter.",
            code="dataset_features",
        )
    own = np.array([_column(content, manifest, label) for label in content.classes])
    if (own < 0).all():
        raise DatasetError(
            f"{bundle.name} has none of the dataset's classes; its classes are {', '.join(manifest.classes)}.",
            hint="Use a bundle that was trained on these classes.",
            code="dataset_labels",
        )
    known = np.flatnonzero((content.labels >= 0) & (own[content.labels] >= 0))
    probabilities = _predict(known, spec, read, bundle, advance)
    labels = content.labels[known]
    return _contradictions(content, manifest, known, labels, own[labels], probabilities)


def _contradictions(
    content: Content,
    manifest: BundleManifest,
    samples: NDArray[np.int64],
    labels: NDArray[np.int32],
    own: NDArray[np.int64],
    probabilities: Float32,
) -> list[LabelIssue]:
    """Issues of `samples` (n,) with `labels` (n,), whose column in `probabilities` (n, classes) is `own` (n,)."""
    thresholds = [manifest.thresholds[label] for label in manifest.classes]
    means = [
        probabilities[own == column, column].mean() if (own == column).any() else 1.0
        for column in range(probabilities.shape[1])
    ]
    confident = np.minimum(thresholds, means)
    contradicting = np.array(
        [[_contradicts(content, manifest, label, other) for other in manifest.classes] for label in content.classes]
    )
    rival = np.where(contradicting[labels] & (probabilities >= confident), probabilities, -1.0)
    best = rival.argmax(axis=1)
    rows = np.arange(len(samples))
    p_label, p_predicted = probabilities[rows, own], rival[rows, best]
    issues = [
        LabelIssue(
            int(samples[row]),
            content.classes[labels[row]],
            manifest.classes[best[row]],
            float(p_label[row]),
            float(p_predicted[row]),
        )
        for row in np.flatnonzero(p_predicted > p_label)
    ]
    return sorted(issues, key=lambda issue: -issue.margin)


def _predict(samples: NDArray[np.int64], spec: FeatureSpec, read: Read, bundle: Bundle, advance: Progress) -> Float32:
    """The bundle's probabilities, (n, classes): the maximum over the windows of each sample."""
    frames = bundle.manifest.feature_spec.n_frames
    starts = sorted({*range(0, spec.n_frames - frames + 1, max(1, frames // 2)), spec.n_frames - frames})
    block = max(1, BLOCK_WINDOWS // len(starts))
    network = load_network(bundle, threads=ALL_CORES)
    found = []
    for first in range(0, len(samples), block):
        features = read(samples[first : first + block])
        windows = np.concatenate([features[:, start : start + frames] for start in starts])
        found.append(in_batches(network.predict, windows).reshape(len(starts), len(features), -1).max(axis=0))
        advance(first + len(features), len(samples))
    return np.concatenate(found) if found else np.empty((0, len(bundle.manifest.classes)), np.float32)


def _column(content: Content, manifest: BundleManifest, label: str) -> int:
    """The bundle's output for a label or its nearest known ancestor; -1 if there is none."""
    for name in reversed(content.tree.path(label)):
        if name in manifest.classes:
            return manifest.classes.index(name)
    return -1


def _contradicts(content: Content, manifest: BundleManifest, label: str, other: str) -> bool:
    """Whether `other` contradicts `label`: neither is an ancestor of the other, in either tree."""
    for tree in (content.tree, manifest.labels):
        if label in tree and other in tree and (label in tree.path(other) or other in tree.path(label)):
            return False
    return label != other
