"""Detections as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from analyzer.result_formats.base import FileResult, check_file, naming_errors, rows_of
from tidzam.atomic import replacing


class JsonLines:
    """One file with a JSON object per detection and line, in ASCII."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        check_file(self._path)

    def write(self, results: Iterable[FileResult]) -> None:
        with naming_errors(self._path), replacing(self._path) as file:
            for row in rows_of(results):
                file.write(f"{json.dumps(row)}\n".encode())
