"""How well a network does on sound that it was not trained on: counts and ratios, without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tidzam.audio.features import FeatureSpec, Float32, extract
from trainer.batches import Batch
from trainer.folders import Sound

Predict = Callable[[Float32], Float32]
"""From features, shape (n, frames, mels), to probabilities, shape (n, classes)."""


@dataclass(frozen=True)
class Windows:
    """The windows of some sounds, end to end. `owner[i]` is the number of the sound that window i is of."""

    features: Float32
    targets: Float32
    owner: np.ndarray[Any, np.dtype[np.int64]]

    def sample(self, count: int, seed: int) -> Batch:
        """At most `count` of them, drawn once."""
        chosen = np.random.default_rng(seed).permutation(len(self.features))[:count]
        return self.features[chosen], self.targets[chosen]


def cut_windows(sounds: Sequence[Sound], classes: Sequence[str], spec: FeatureSpec) -> Windows:
    """All whole windows of each sound, side by side; a shorter sound is one window, filled up with zeros."""
    n = spec.window_samples
    pieces, owner = [], []
    for number, sound in enumerate(sounds):
        count = max(1, len(sound.samples) // n)
        filled = np.pad(sound.samples, (0, max(0, n - len(sound.samples))))
        pieces.append(filled[: count * n].reshape(count, n))
        owner += [number] * count
    numbers = np.array([classes.index(sounds[number].clip.label) for number in owner])
    features = np.concatenate([extract(piece, spec) for piece in pieces])
    return Windows(features, np.eye(len(classes), dtype=np.float32)[numbers], np.array(owner))


def window_scores(targets: Float32, probabilities: Float32, classes: Sequence[str]) -> dict[str, Any]:
    """Precision, recall and F1 of each class at a threshold of 0.5, and the mean of the F1s.

    Both arrays have shape (windows, classes). A class that is neither there nor found has an F1 of 1.
    """
    there, found = targets >= 0.5, probabilities >= 0.5
    scores = {label: f1_score(there[:, k], found[:, k]) for k, label in enumerate(classes)}
    return {
        "windows": len(targets),
        "macro_f1": round(float(np.mean([score["f1"] for score in scores.values()])), 4),
        "classes": scores,
    }


def f1_score(there: np.ndarray[Any, Any], found: np.ndarray[Any, Any]) -> dict[str, float]:
    """Precision, recall and F1 of one class from two boolean arrays."""
    hits = int(np.sum(there & found))
    precision = hits / found.sum() if found.any() else float(not there.any())
    recall = hits / there.sum() if there.any() else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {name: round(float(x), 4) for name, x in (("precision", precision), ("recall", recall), ("f1", f1))}


def clip_scores(windows: Windows, probabilities: Float32, classes: Sequence[str]) -> dict[str, Any]:
    """The share of clips whose likeliest class, by the mean over their windows, is the right one; and who is who.

    `confusion[i][j]` counts the clips of class i that were taken for class j.
    """
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    for number in np.unique(windows.owner):
        mine = windows.owner == number
        right, said = windows.targets[mine][0].argmax(), probabilities[mine].mean(axis=0).argmax()
        confusion[right, said] += 1
    accuracy = round(float(np.trace(confusion) / confusion.sum()), 4)
    return {"clips": int(confusion.sum()), "accuracy": accuracy, "confusion": confusion.tolist()}
