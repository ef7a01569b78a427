"""Likely label errors: samples of which a classifier says, with confidence, that they are something else.

As in confident learning (Northcutt, Jiang, Chuang: Estimating Uncertainty in Dataset Labels, 2021) a class is named
with confidence from the mean probability on that it has on samples that carry its label; or from the bundle's own
threshold, if that is lower, for half the samples of a well known class are below their mean.
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
from tidzam.inference.engines import ALL_CORES
from tidzam.inference.loading import in_batches, load_network
from tidzam.progress import Progress, no_progress
from tidzam.types import Float32

BLOCK = 1024
"""Windows that are in memory at once, about."""

Read = Callable[[NDArray[np.int64]], Float32]


@dataclass(frozen=True)
class LabelIssue:
    """A sample labelled `label`, to which the classifier gives `p_label`; it gives `p_says` to its `says`."""

    sample: int
    label: str
    says: str
    p_label: float
    p_says: float

    @property
    def margin(self) -> float:
        return self.p_says - self.p_label


def find_label_issues(
    content: Content,
    spec: FeatureSpec,
    read: Read,
    bundle: Bundle,
    *,
    advance: Progress = no_progress,
) -> list[LabelIssue]:
    """The samples that `bundle` confidently contradicts, by the margin that it does it with.

    Samples of classes that it does not know are left out, and a class above or below a sample's own is no
    contradiction. Raises DatasetError if features differ or the two have no class in common.
    """
    manifest = bundle.manifest
    require_same_features(spec, manifest.features, names=("the dataset", bundle.name), but=("window_s",))
    if spec.n_frames < manifest.features.n_frames:
        raise DatasetError(
            f"Samples last {spec.window_s:g} s; {bundle.name} listens to {manifest.features.window_s:g} s at once.",
            hint="Use a bundle that was trained on samples as long as these, or shorter.",
            code="dataset_features",
        )
    own = np.array([_column(content, manifest, label) for label in content.classes])
    if (own < 0).all():
        raise DatasetError(
            f"{bundle.name} knows none of the dataset's classes, only {', '.join(manifest.classes)}.",
            hint="Name a bundle that tells these classes apart.",
            code="dataset_labels",
        )
    known = np.flatnonzero((content.labels >= 0) & (own[content.labels] >= 0))
    said = _answers(known, spec, read, bundle, advance)
    labels = content.labels[known]
    return _contradictions(content, manifest, known, labels, own[labels], said)


def _contradictions(
    content: Content,
    manifest: BundleManifest,
    samples: NDArray[np.int64],
    labels: NDArray[np.int32],
    own: NDArray[np.int64],
    said: Float32,
) -> list[LabelIssue]:
    """`said` (n, bundle's classes) of samples with these labels, whose own columns in it are `own`."""
    thresholds = [manifest.thresholds[label] for label in manifest.classes]
    means = [said[own == column, column].mean() if (own == column).any() else 1.0 for column in range(said.shape[1])]
    confident = np.minimum(thresholds, means)
    rivals = np.array(
        [[_apart(content, manifest, label, other) for other in manifest.classes] for label in content.classes]
    )
    rival = np.where(rivals[labels] & (said >= confident), said, -1.0)
    best = rival.argmax(axis=1)
    rows = np.arange(len(samples))
    p_label, p_says = said[rows, own], rival[rows, best]
    doubted = np.flatnonzero(p_says > p_label)
    doubts = [
        LabelIssue(
            int(samples[row]),
            content.classes[labels[row]],
            manifest.classes[best[row]],
            float(p_label[row]),
            float(p_says[row]),
        )
        for row in doubted
    ]
    return sorted(doubts, key=lambda doubt: -doubt.margin)


def _answers(samples: NDArray[np.int64], spec: FeatureSpec, read: Read, bundle: Bundle, advance: Progress) -> Float32:
    """What the bundle says of each sample, (n, classes): the most that it says of any window in it."""
    frames = bundle.manifest.features.n_frames
    starts = sorted({*range(0, spec.n_frames - frames + 1, max(1, frames // 2)), spec.n_frames - frames})
    at_once = max(1, BLOCK // len(starts))
    network = load_network(bundle, threads=ALL_CORES)
    said = []
    for first in range(0, len(samples), at_once):
        features = read(samples[first : first + at_once])
        windows = np.concatenate([features[:, start : start + frames] for start in starts])
        said.append(in_batches(network.predict, windows).reshape(len(starts), len(features), -1).max(axis=0))
        advance(first + len(features), len(samples))
    return np.concatenate(said) if said else np.empty((0, len(bundle.manifest.classes)), np.float32)


def _column(content: Content, manifest: BundleManifest, label: str) -> int:
    """The bundle's output for a label: its own, or that of the nearest label above it; -1 if there is none."""
    for name in reversed(content.tree.path(label)):
        if name in manifest.classes:
            return manifest.classes.index(name)
    return -1


def _apart(content: Content, manifest: BundleManifest, label: str, other: str) -> bool:
    """Whether a sample of `label` is none of the bundle's `other`: neither is above the other, in either tree."""
    for tree in (content.tree, manifest.labels):
        if label in tree and other in tree and (label in tree.path(other) or other in tree.path(label)):
            return False
    return label != other
