"""Whether each file is an anomaly: the `predictions.csv` of recorders that look for unusual sound."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from analyzer.result_formats.base import FileResult, check_file, naming_errors
from tidzam.atomic import replacing
from tidzam.bundle import NOVEL


class FilePredictions:
    """A row per file that was analyzed, without a header: its path, and `anomaly` or `normal`; `unknown` if no novelty
    bundle could judge any window of it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        check_file(self._path)

    def write(self, results: Iterable[FileResult]) -> None:
        with naming_errors(self._path), replacing(self._path) as file:
            text = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="", write_through=True)
            csv.writer(text, lineterminator="\n").writerows(
                (result.report.file, prediction_of(result)) for result in results
            )
            text.detach()


def prediction_of(result: FileResult) -> Literal["anomaly", "normal", "unknown"]:
    """A file is an anomaly if there is a detection of unusual sound in it. A file without a score is neither."""
    if any(row["class"] == NOVEL for row in result.report.detections):
        return "anomaly"
    return "normal" if result.report.scored_windows else "unknown"
