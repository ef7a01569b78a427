"""The metrics of classifiers on scenes with ground truth, window by window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidzam.bundle import Bundle
from tidzam.demo.render import ECHO_S, Rendering
from tidzam.demo.scene import SILENCE, Truth
from tidzam.inference.cascade import Cascade
from tidzam.inference.decision import find_decision_rule
from tidzam.inference.engines import ALL_CORES
from tidzam.inference.loading import load_cascade
from tidzam.labels import UNKNOWN
from tidzam.metrics import precision_recall_f1
from tidzam.types import Float32

Bools = NDArray[np.bool_]

MIN_OVERLAP_S = 0.4
"""If an event fills less than this share of a window, the window is not scored for the event's classes."""
MIN_SNR_DB = 6.0
"""Nor is a window with an event of a lower signal-to-noise ratio."""


@dataclass(frozen=True)
class Marks:
    """The ground truth of consecutive windows. Both arrays have shape (windows, classes).

    `sounding`: the class occurs. `judged`: whether it occurs is certain enough to be counted.
    """

    sounding: Bools
    judged: Bools


def mark(truth: Truth, channel: int, classes: Sequence[str], window_s: float) -> Marks:
    """The ground truth of each whole window of a channel."""
    starts = np.arange(int(truth.duration_s / window_s)) * window_s
    ends = starts + window_s
    sounding = np.zeros((len(starts), len(classes)), dtype=bool)
    touched = np.zeros_like(sounding)
    anything = np.zeros(len(starts), dtype=bool)
    for event in (event for event in truth.events if event.channel == channel):
        columns = [k for k, label in enumerate(classes) if label in event.path]
        overlap_s = np.minimum(ends, event.end_s) - np.maximum(starts, event.start_s)
        if event.label == SILENCE:
            certain = overlap_s >= window_s - 1e-6  # any other event in the window ends the silence
        else:
            certain = (overlap_s >= MIN_OVERLAP_S) & (event.snr_db >= MIN_SNR_DB)
            anything |= certain
        echoing = np.minimum(ends, event.end_s + ECHO_S) > np.maximum(starts, event.start_s)
        sounding[:, columns] |= certain[:, None]
        touched[:, columns] |= echoing[:, None]
    judged = sounding | ~touched
    if SILENCE in classes:
        silence = classes.index(SILENCE)
        judged[:, silence] = sounding[:, silence] | anything
    return Marks(sounding, judged)


def predict_channel(cascade: Cascade, samples: Float32, rate_hz: int) -> list[dict[str, float]]:
    """The joint probabilities of the classes in each whole window of a channel, shape (frames,)."""
    n = round(cascade.window_s * rate_hz)
    return cascade.predict(samples[: len(samples) // n * n].reshape(-1, n), rate_hz)


def reported(cascade: Cascade, probabilities: Sequence[Mapping[str, float]], classes: Sequence[str]) -> Bools:
    """Which of `classes` the decision reports for each window, itself or by a descendant: shape (windows, classes)."""
    decide = find_decision_rule()
    rows = [decide(one, cascade.thresholds, cascade.labels) for one in probabilities]
    paths = [{label for result in row if result != UNKNOWN for label in cascade.labels.path(result)} for row in rows]
    return np.array([[label in path for label in classes] for path in paths], dtype=bool)


def score(bundles: Mapping[str, Bundle], renderings: Iterable[Rendering]) -> dict[str, dict[str, Any]]:
    """For each bundle: precision, recall and F1 per class, share of windows whose classes all match, event recall."""
    cascade = load_cascade(list(bundles.values()), gate=0.0, threads=ALL_CORES)
    sheets: dict[str, list[_Sheet]] = {name: [] for name in bundles}
    for rendering in renderings:
        for channel, samples in enumerate(rendering.samples):
            probabilities = predict_channel(cascade, samples, rendering.truth.rate_hz)
            for name, bundle in bundles.items():
                found = reported(cascade, probabilities, bundle.manifest.classes)
                sheets[name].append(_fill(bundle, rendering.truth, channel, found))
    return {name: _ratios(bundle.manifest.classes, sheets[name]) for name, bundle in bundles.items()}


@dataclass(frozen=True)
class _Sheet:
    """One classifier's results on one channel: `found` has shape (windows, classes), `named` one value per event."""

    marks: Marks
    found: Bools
    named: list[bool]


def _fill(bundle: Bundle, truth: Truth, channel: int, found: Bools) -> _Sheet:
    manifest = bundle.manifest
    marks = mark(truth, channel, manifest.classes, manifest.input.window_s)
    return _Sheet(marks, found, _events_named(truth, channel, bundle, found))


def _events_named(truth: Truth, channel: int, bundle: Bundle, found: Bools) -> list[bool]:
    """For each audible event of a channel, whether it was reported for any window that it fills enough."""
    window_s, classes = bundle.manifest.input.window_s, bundle.manifest.classes
    starts = np.arange(len(found)) * window_s
    named = []
    for event in truth.events:
        columns = [k for k, label in enumerate(classes) if label in event.path and label != SILENCE]
        overlap_s = np.minimum(starts + window_s, event.end_s) - np.maximum(starts, event.start_s)
        mine = overlap_s >= MIN_OVERLAP_S
        if event.channel == channel and columns and mine.any() and event.snr_db >= MIN_SNR_DB:
            named.append(bool(found[mine][:, columns].any()))
    return named


def _ratios(classes: Sequence[str], sheets: Sequence[_Sheet]) -> dict[str, Any]:
    sounding = np.concatenate([sheet.marks.sounding for sheet in sheets])
    judged = np.concatenate([sheet.marks.judged for sheet in sheets])
    found = np.concatenate([sheet.found for sheet in sheets])
    named = [one for sheet in sheets for one in sheet.named]
    scores = {label: _f1(sounding[judged[:, k], k], found[judged[:, k], k]) for k, label in enumerate(classes)}
    certain = judged.all(axis=1)
    return {
        "windows": len(found),
        "macro_f1": round(float(np.mean([one["f1"] for one in scores.values()])), 4),
        "exact_match": round(float(np.mean((sounding == found)[certain].all(axis=1))), 4),
        "classes": scores,
        "events": len(named),
        "event_recall": round(float(np.mean(named)), 4),
    }


def _f1(sounding: Bools, found: Bools) -> dict[str, float]:
    figures = zip(("precision", "recall", "f1"), precision_recall_f1(sounding, found), strict=True)
    return {name: round(figure, 4) for name, figure in figures}
