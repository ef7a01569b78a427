"""What `open_set.json` in the bundle of a recognizer holds: its tags, what thresholds cost, and its evaluation.

The trainer writes the file, the console shows it. Since it has the probabilities of all test windows, the evaluation at
other thresholds needs no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tidzam.errors import BundleError
from tidzam.manifest_fields import faults_of
from tidzam.metrics import DIGITS
from tidzam.open_set import BackgroundScores, OpenSetEvaluation, ThresholdCost, evaluate_open_set

FILE: Final = "open_set.json"
MOST_EXAMPLES: Final = 50
"""Windows of a cell of the confusion matrix that are listed."""

CurvePoint = tuple[float, float, float]


class _ReportPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ReportedBase(_ReportPart):
    """The bundle whose embeddings a recognizer uses."""

    name: str
    version: str


class ReportedTag(_ReportPart):
    """A tag: its training windows, its threshold, and what thresholds cost, from the highest down."""

    training_windows: int
    threshold: float
    costs: tuple[ThresholdCost, ...]


class ReportedWindow(_ReportPart):
    """A window of the test data. `tag` is the one it was made for, None for background and unknown sounds."""

    file: int = Field(ge=0)
    start_s: float
    channel: int | None
    tag: str | None
    true: int = Field(ge=0)
    run: int | None
    """The number of its run of consecutive windows, for background."""


class TestedWindows(_ReportPart):
    """All windows of the test data, those of background last, with their probabilities (windows, tags)."""

    __test__ = False  # it is no test, whatever pytest takes its name for

    files: tuple[str, ...]
    windows: tuple[ReportedWindow, ...]
    probabilities: tuple[tuple[float, ...], ...]


class ReportedExample(_ReportPart):
    """A window of a cell of the confusion matrix. `number` counts the test windows."""

    number: int | None = None
    file: str
    start_s: float
    channel: int | None
    tag: str | None
    probability: float


class ReportedCell(_ReportPart):
    """A cell of the confusion matrix, with some of its windows, the most probable first."""

    true: str
    recognized: str
    windows: tuple[ReportedExample, ...]


class ReportedClass(_ReportPart):
    """The test of one tag; None where nothing could be measured."""

    examples: int
    f1: float | None
    average_precision: float | None
    auroc: float | None


class ReportedTest(_ReportPart):
    """The evaluation on the test data at the thresholds of the bundle. Points of the curves are thresholds with
    precision and recall, or with the rates of false and of true positives."""

    windows: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    macro_f1: float | None
    known_auroc: float | None
    background_hours: float | None
    false_alarms_per_hour: float | None
    classes: Mapping[str, ReportedClass]
    precision_recall: Mapping[str, tuple[CurvePoint, ...]]
    roc: Mapping[str, tuple[CurvePoint, ...]]
    known_roc: tuple[CurvePoint, ...]
    cells: tuple[ReportedCell, ...]
    tested: TestedWindows | None = None


class OpenSetReport(_ReportPart):
    """The whole file. `files` are those that each use of the data read."""

    name: str
    version: str
    base: ReportedBase
    window_s: float
    windows: Mapping[str, int]
    files: Mapping[str, tuple[str, ...]] = {}
    tags: Mapping[str, ReportedTag]
    test: ReportedTest | None = None


def read_report(folder: Path) -> OpenSetReport | None:
    """The report in the bundle `folder`, None if it has none. Raises BundleError (`bundle_manifest`) if damaged."""
    path = folder / FILE
    try:
        return OpenSetReport.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise BundleError(message, hint="Check its permissions.", code="bundle_missing") from None
    except ValidationError as error:
        message = f"Invalid report {path}: {faults_of(error)}."
        raise BundleError(message, hint="Train the recognizer again.", code="bundle_manifest") from None


def evaluated_at(report: OpenSetReport, thresholds: Mapping[str, float]) -> ReportedTest:
    """The evaluation on the same test data at other thresholds, one for each tag.

    Raises BundleError (`open_set_report`) if the report does not have the probabilities of all test windows.
    """
    test = report.test
    tested = None if test is None else test.tested
    if test is None or tested is None:
        raise BundleError(
            f"The recognizer {report.name!r} has no probabilities of test windows.",
            hint="Train it again, with days for the test.",
            code="open_set_report",
        )
    tags = test.labels[:-1]
    probabilities = np.array(tested.probabilities).reshape(len(tested.windows), len(tags))
    runs = [one.run for one in tested.windows]
    calls = np.array([run is None for run in runs], bool)
    background = BackgroundScores(
        probabilities[~calls], np.array([run for run in runs if run is not None]), report.window_s
    )
    found = evaluate_open_set(
        probabilities[calls],
        np.array([one.true for one in tested.windows], dtype=np.int64)[calls],
        tags,
        thresholds=thresholds,
        background=background if len(background.recordings) else None,
    )
    fresh = {**found.to_dict(), "cells": cells_of(found, tested)}
    return ReportedTest.model_validate({**test.model_dump(), **fresh})


def cells_of(found: OpenSetEvaluation, tested: TestedWindows) -> list[dict[str, Any]]:
    """The cells of an evaluation of the windows `tested`, in its order, as the file holds them."""
    probabilities = np.array(tested.probabilities).reshape(len(tested.windows), len(found.tags))
    return [
        {
            "true": found.labels[true],
            "recognized": found.labels[recognized],
            "windows": [
                _example(tested, row, score)
                for row, score in _most_probable(rows, _scores(probabilities, true, recognized))
            ],
        }
        for (true, recognized), rows in sorted(found.cells.items())
    ]


def cost_at(costs: Sequence[ThresholdCost], threshold: float) -> ThresholdCost | None:
    """What a threshold costs: as much as the lowest stated one that is not below it; one above all misses every call.

    None without costs. Those of a report are rounded, which counts as equal.
    """
    if not costs:
        return None
    found = next((cost for cost in reversed(costs) if cost.threshold >= threshold - 0.5 * 10**-DIGITS), None)
    alarms = None if costs[0].false_alarms_per_day is None else 0.0
    return found or ThresholdCost(threshold=threshold, false_alarms_per_day=alarms, missed=1.0, precision=1.0, f1=0.0)


def _scores(probabilities: NDArray[np.float64], true: int, recognized: int) -> NDArray[np.float64]:
    """The probabilities that tell the windows of a cell apart: of the tag recognized, else of the true one."""
    tags = probabilities.shape[1]
    column = recognized if recognized < tags else true
    return probabilities[:, column] if column < tags else probabilities.max(axis=1)


def _most_probable(rows: Sequence[int], scores: NDArray[np.float64]) -> list[tuple[int, float]]:
    chosen = sorted(rows, key=lambda row: -float(scores[row]))[:MOST_EXAMPLES]
    return [(row, float(scores[row])) for row in chosen]


def _example(tested: TestedWindows, row: int, score: float) -> dict[str, Any]:
    window = tested.windows[row]
    return {
        "number": row,
        "file": tested.files[window.file],
        "start_s": window.start_s,
        "channel": window.channel,
        "tag": window.tag,
        "probability": round(score, 4),
    }
