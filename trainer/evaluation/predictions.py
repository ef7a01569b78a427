"""Predictions of a network for all windows of a source, and samples of windows that are evaluated repeatedly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Origin
from tidzam.types import Float32
from trainer.data.source import BACKGROUND, Batch, TrainingSource
from trainer.data.spectrogram_ops import cut, to_power

Predict = Callable[[Float32], Float32]
"""Maps features, shape (n, frames, mels), to logits or probabilities, shape (n, outputs)."""

BATCH_WINDOWS = 256
"""Windows that are kept in memory and predicted together."""


@dataclass(frozen=True)
class Predictions:
    """The predictions for all windows of a source.

    `outputs` has shape (windows, outputs). Window i is part of sequence `sequences[i]`, from its frame `starts[i]`.
    """

    outputs: Float32
    sequences: NDArray[np.int64]
    starts: NDArray[np.int64]

    def targets(self, source: TrainingSource, table: Float32 | None = None) -> Float32:
        """The targets of each window, shape (windows, outputs), from `table` as in `targets_of`."""
        return targets_of(source.labels[self.sequences], table_of(source) if table is None else table)


def table_of(source: TrainingSource) -> Float32:
    """The targets if each class of `source` is an output: the identity matrix, shape (classes, classes)."""
    return np.eye(len(source.classes), dtype=np.float32)


def targets_of(labels: NDArray[Any], table: Float32) -> Float32:
    """The rows of `table` for `labels`, shape (n, outputs); zeros for background."""
    targets: Float32 = table[labels]
    targets[labels == BACKGROUND] = 0
    return targets


def clips_of(source: TrainingSource) -> NDArray[np.int64]:
    """The clip number of each sequence, shape (n,): sequences of one file, channel and class are one clip."""
    numbers: dict[tuple[str, int | None, int], int] = {}
    clips = np.empty(len(source), dtype=np.int64)
    for index, label in enumerate(source.labels.tolist()):
        origin = source.origin(index)
        clips[index] = numbers.setdefault((origin.file, origin.channel, label), len(numbers))
    return clips


def predict_windows(
    source: TrainingSource, spec: FeatureSpec, predict: Predict, *, overlap: float = 0.0
) -> Predictions:
    """Predict all windows of `source` with `predict`, with a limited number of windows in memory."""
    outputs, sequences, starts = [], [], []
    for features, of_sequences, of_starts in _window_batches(source, spec, overlap):
        outputs.append(np.asarray(predict(features), dtype=np.float32))
        sequences.append(of_sequences)
        starts.append(of_starts)
    return Predictions(np.concatenate(outputs), np.concatenate(sequences), np.concatenate(starts))


def _window_batches(
    source: TrainingSource, spec: FeatureSpec, overlap: float
) -> Iterator[tuple[Float32, NDArray[np.int64], NDArray[np.int64]]]:
    waiting: list[tuple[Float32, int, int]] = []
    for index in range(len(source)):
        sequence = source.sequence(index)
        for start in window_starts(len(sequence), spec.n_frames, overlap):
            waiting.append((cut(sequence, start, spec.n_frames, spec.floor_db), index, start))
            if len(waiting) == BATCH_WINDOWS:
                yield _stacked(waiting)
                waiting = []
    if waiting:
        yield _stacked(waiting)


def _stacked(windows: Sequence[tuple[Float32, int, int]]) -> tuple[Float32, NDArray[np.int64], NDArray[np.int64]]:
    features, sequences, starts = zip(*windows, strict=True)
    return np.stack(features), np.array(sequences, dtype=np.int64), np.array(starts, dtype=np.int64)


def window_starts(length: int, frames: int, overlap: float = 0.0) -> list[int]:
    """The first frame of each whole window in `length` frames; a shorter sequence is one window."""
    step = max(1, round(frames * (1 - overlap)))
    return list(range(0, max(1, length - frames + 1), step))


@dataclass(frozen=True)
class Examples:
    """A sample of windows that is evaluated repeatedly during a training, one per sequence.

    `origins` has the position of each in its file.
    """

    batch: Batch
    origins: tuple[Origin, ...]


def draw_examples(
    source: TrainingSource, spec: FeatureSpec, *, table: Float32 | None = None, count: int, seed: int
) -> Examples:
    """Draw at most `count` sequences from `source` without replacement, and take the loudest window of each."""
    sequences = np.random.default_rng(seed).permutation(len(source))[:count]
    features, origins = [], []
    for index in map(int, sequences):
        sequence, origin = source.sequence(index), source.origin(index)
        start = _loudest(sequence, spec)
        features.append(cut(sequence, start, spec.n_frames, spec.floor_db))
        origins.append(replace(origin, offset_s=origin.offset_s + start * spec.hop_length / spec.rate_hz))
    targets = targets_of(source.labels[sequences], table_of(source) if table is None else table)
    return Examples(Batch(np.stack(features), targets), tuple(origins))


def _loudest(sequence: Float32, spec: FeatureSpec) -> int:
    """The start of the window with the highest power, of windows that overlap by half: a clip may be mostly silent."""
    power = np.cumsum(np.append(0.0, to_power(sequence).sum(axis=1)))
    starts = window_starts(len(sequence), spec.n_frames, 0.5)
    return max(starts, key=lambda start: power[min(start + spec.n_frames, len(sequence))] - power[start])
