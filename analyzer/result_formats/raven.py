"""Detections as Raven selection tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from analyzer.result_formats.base import FileResult, check_folder, file_names, naming_errors
from tidzam.atomic import write_atomically

SUFFIX: Final = ".Table.1.selections.txt"
"""What Raven adds to the name of a recording."""
COLUMNS: Final = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Begin Path",
    "Begin Date Time",
    "Annotation",
    "Path of Classes",
    "Peak Probability",
    "Mean Probability",
)


class RavenTables:
    """A folder with a selection table per recording, in folders as the recordings are; also for those without a
    detection. Selections reach from 0 Hz to half the sample rate: classifiers do not say where in the band a sound is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        check_folder(self._path)

    def write(self, results: Iterable[FileResult]) -> None:
        for result, name in file_names(results, SUFFIX):
            path = self._path / name
            text = "".join("\t".join(cells) + "\n" for cells in (COLUMNS, *_selections(result)))
            with naming_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, text.encode("utf-8", "surrogateescape"))


def _selections(result: FileResult) -> Iterator[tuple[str, ...]]:
    report = result.report
    recording = str(Path(report.file).absolute())
    for number, row in enumerate(report.detections, start=1):
        yield (
            str(number),
            "Spectrogram 1",
            str(int(row["channel"]) + 1),
            f"{row['start_s']:.6f}",
            f"{row['end_s']:.6f}",
            "0.0",
            f"{report.rate_hz / 2:.1f}",
            _cell(recording),
            str(row["start"] or ""),
            _cell(row["class"]),
            _cell(row["path"]),
            f"{row['peak']:.4f}",
            f"{row['mean']:.4f}",
        )


def _cell(text: object) -> str:
    """A text without what separates cells and lines."""
    return " ".join(str(text).replace("\t", " ").splitlines())
