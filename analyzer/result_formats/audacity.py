"""Detections as Audacity label tracks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from analyzer.result_formats.base import FileResult, channels_of, check_folder, file_names, naming_errors
from tidzam.atomic import write_atomically


class AudacityLabels:
    """A folder with a label track per recording, in folders as the recordings are: `pond.txt`.

    Of a recording with several channels, each has a track of its own: `pond.out_1.txt`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        check_folder(self._path)

    def write(self, results: Iterable[FileResult]) -> None:
        for result, name in file_names(results, ".txt"):
            report = result.report
            for channel in report.channels:
                suffix = ".txt" if len(report.channels) == 1 else f".out_{channel}.txt"
                path = (self._path / name).with_name(name.name.removesuffix(".txt") + suffix)
                with naming_errors(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    rows = [row for row in report.detections if channel in channels_of(row)]
                    write_atomically(path, _track(rows))


def _track(rows: Sequence[Any]) -> str:
    """Lines of start, end and label, separated by tabs."""
    return "".join(f"{row['start_s']:.6f}\t{row['end_s']:.6f}\t{' '.join(str(row['class']).split())}\n" for row in rows)
