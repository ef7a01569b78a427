"""Detections as rows of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tidzam.errors import TidzamError


class CsvFile:
    """An open CSV file. Each row is written out at once: whenever the program ends, the file is whole rows."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        with _told(path):
            self._file = path.open("w", newline="", encoding="utf-8")
            self._rows = csv.DictWriter(self._file, columns)
            self._rows.writeheader()
            self._file.flush()

    def add(self, row: Mapping[str, object]) -> None:
        """Write one row. Raises TidzamError (`output`) if it cannot be."""
        with _told(self._path):
            self._rows.writerow(row)
            self._file.flush()

    def close(self) -> None:
        with _told(self._path):
            self._file.close()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TidzamError(
            f"{path} cannot be written: {error.strerror}.", hint="Free some room or name another file.", code="output"
        ) from None
