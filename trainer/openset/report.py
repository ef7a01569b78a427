"""What is found out about a recognizer: as JSON for programs, and as a card with pictures for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tidzam.bundle import BundleManifest
from tidzam.embeddings.windows import UnreadableAudio
from tidzam.metrics import Curve, RocCurve
from tidzam.open_set import OpenSetEvaluation, costs_to_dicts
from tidzam.open_set_report import FILE, ReportedWindow, TestedWindows, cells_of, cost_at
from trainer.evaluation import plots
from trainer.openset.labeled_windows import LabeledWindow, files_by_use, recordings_for, tags_in
from trainer.openset.learning import TrainedTags, truth_of

REPORT, CARD = FILE, "card.md"
PICTURES: Final = {
    "confusion.png": "Confusion matrix: true tags in rows, recognized tags in columns",
    "precision_recall.png": "Precision and recall of each tag",
    "roc.png": "True and false positives of each tag, and of known against unknown sounds",
}
_CURVE_POINTS: Final = 200


@dataclass(frozen=True, kw_only=True)
class TrainingReport:
    """A training and its evaluation.

    `tested` are the windows that the evaluation numbers, with their probabilities, shape (n, tags). Without test data,
    there is no evaluation.
    """

    manifest: BundleManifest
    windows: tuple[LabeledWindow, ...]
    trained: TrainedTags
    evaluation: OpenSetEvaluation | None
    tested: tuple[LabeledWindow, ...]
    probabilities: NDArray[np.float64]
    seconds: Mapping[str, float]
    bad: tuple[UnreadableAudio, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `--json`, which lies in the bundle as `open_set.json`."""
        manifest, counts = self.manifest, tags_in(self.windows, "train")
        return {
            "name": manifest.name,
            "version": manifest.version,
            "base": manifest.provenance["base"],
            "window_s": manifest.input.window_s,
            "windows": {
                use: sum(one.use == use for one in self.windows) for use in sorted({w.use for w in self.windows})
            },
            "files": files_by_use(self.windows),
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
            "tags": {
                tag: {
                    "training_windows": counts.get(tag, 0),
                    "threshold": manifest.thresholds[tag],
                    "costs": costs_to_dicts(self.trained.costs[tag]),
                }
                for tag in self.trained.tags
            },
            "test": None if self.evaluation is None else self._test(self.evaluation),
            "unreadable": [{"file": str(one.path), "reason": one.reason} for one in self.bad],
        }

    def _test(self, found: OpenSetEvaluation) -> dict[str, Any]:
        return {
            **found.to_dict(),
            "precision_recall": {tag: _pr_points(curve) for tag, curve in found.precision_recall.items()},
            "roc": {tag: _roc_points(curve) for tag, curve in found.roc.items()},
            "known_roc": _roc_points(found.known),
            "cells": cells_of(found, self._tested(found)),
            "tested": self._tested(found).model_dump(mode="json"),
        }

    def _tested(self, found: OpenSetEvaluation) -> TestedWindows:
        """All windows that were tested, with probabilities of five digits."""
        files = sorted({str(one.window.path) for one in self.tested})
        numbers = {name: number for number, name in enumerate(files)}
        background = [one for one in self.tested if one.is_background]
        runs = iter(recordings_for(background, self.manifest.input.window_s).tolist())
        truth = truth_of(self.tested, found.tags).tolist()
        return TestedWindows(
            files=tuple(files),
            windows=tuple(
                ReportedWindow(
                    file=numbers[str(one.window.path)],
                    start_s=one.window.start_s,
                    channel=one.window.channel,
                    tag=one.tag or None,
                    true=true,
                    run=next(runs) if one.is_background else None,
                )
                for one, true in zip(self.tested, truth, strict=True)
            ),
            probabilities=tuple(tuple(row) for row in self.probabilities.round(5).tolist()),
        )


def write_report(folder: Path, report: TrainingReport) -> None:
    """Write the JSON, the card and its pictures into `folder`."""
    (folder / REPORT).write_text(json.dumps(report.to_dict(), indent=1) + "\n", encoding="utf-8")
    for name, picture in pictures(report.evaluation).items():
        (folder / name).write_bytes(picture)
    (folder / CARD).write_text("\n".join(_lines(report)) + "\n", encoding="utf-8")


def pictures(found: OpenSetEvaluation | None) -> dict[str, bytes]:
    """The pictures of an evaluation by file name, as PNG."""
    if found is None:
        return {}
    curves = {**found.roc, "known": found.known}
    drawn = (
        plots.confusion_matrix(found.confusion, found.labels),
        plots.precision_recall_curves(found.precision_recall),
        plots.roc_curves(curves),
    )
    return dict(zip(PICTURES, drawn, strict=True))


def table_rows(report: TrainingReport) -> Iterator[tuple[str, ...]]:
    """A row per tag: its windows in training, threshold, false alarms per day, share of missed calls; F1, average
    precision and AUROC on the test data (`-` without)."""
    counts, found = tags_in(report.windows, "train"), report.evaluation
    for tag in report.trained.tags:
        cost = cost_at(report.trained.costs[tag], report.trained.thresholds[tag])
        alarms = None if cost is None else cost.false_alarms_per_day
        missed = "-" if cost is None else f"{cost.missed:.1%}"
        test = ["-", "-", "-"]
        if found is not None:
            areas = found.precision_recall[tag].average_precision, found.roc[tag].area
            test = [_number(value) for value in (found.f1[tag], *areas)]
        threshold = f"{report.trained.thresholds[tag]:.3f}"
        yield (tag, str(counts.get(tag, 0)), threshold, "-" if alarms is None else f"{alarms:.1f}", missed, *test)


COLUMNS: Final = ("tag", "windows", "threshold", "false alarms per day", "missed", "F1", "AP", "AUROC")


def summary(found: OpenSetEvaluation) -> str:
    """One line about an evaluation."""
    alarms = found.false_alarms_per_hour
    of_background = "no background" if alarms is None else f"{alarms:.2f} false alarms per hour of background"
    area = _number(found.known.area)
    return f"macro F1 {_number(found.macro_f1)}, AUROC of known against unknown {area}, {of_background}"


def _lines(report: TrainingReport) -> Iterator[str]:
    manifest = report.manifest
    base = manifest.provenance["base"]
    yield f"# {manifest.name}"
    yield ""
    yield (
        f"An open-set recognizer of {', '.join(manifest.classes)}, on the embeddings of {base['name']} "
        f"(version {base['version']}). Whatever reaches no threshold is unknown."
    )
    yield from ("", "| " + " | ".join(COLUMNS) + " |", "| --- " + "| ---: " * (len(COLUMNS) - 1) + "|")
    for row in table_rows(report):
        yield f"| {' | '.join(row)} |"
    yield ""
    yield (
        "False alarms and missed calls are those on training windows whose recordings were held out; F1, average "
        "precision (AP) and AUROC are those on the test data."
    )
    if report.evaluation is not None:
        yield from ("", f"Test data: {summary(report.evaluation)}.")
        for name, title in PICTURES.items():
            yield from ("", f"![{title}]({name})")
    yield from ("", "## Provenance", "", "| | |", "| --- | --- |")
    for name, value in manifest.provenance.items():
        yield f"| {name} | {str(value).replace('|', chr(92) + '|')} |"


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _pr_points(curve: Curve) -> list[list[float]]:
    """Threshold, precision and recall."""
    return _points(curve.thresholds, curve.precision, curve.recall)


def _roc_points(curve: RocCurve) -> list[list[float]]:
    """Threshold, rate of false and of true positives; without the first point, whose threshold is infinite."""
    return _points(curve.thresholds[1:], curve.false_positive_rate[1:], curve.true_positive_rate[1:])


def _points(*columns: NDArray[np.float64]) -> list[list[float]]:
    count = len(columns[0])
    chosen = np.unique(np.linspace(0, max(0, count - 1), min(count, _CURVE_POINTS)).round().astype(int))
    return [[round(float(column[k]), 5) for column in columns] for k in chosen]
