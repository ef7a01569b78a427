"""Detections as a CSV table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from analyzer.result_formats.base import RESULT_COLUMNS, FileResult, check_file, naming_errors, rows_of
from tidzam.atomic import replacing


class CsvTable:
    """One file with a header and a row per detection, in UTF-8. File names that are not UTF-8 keep their bytes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        check_file(self._path)

    def write(self, results: Iterable[FileResult]) -> None:
        with naming_errors(self._path), replacing(self._path) as file:
            text = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="", write_through=True)
            table = csv.DictWriter(text, RESULT_COLUMNS, extrasaction="ignore", lineterminator="\n")
            table.writeheader()
            table.writerows(rows_of(results))
            text.detach()
