"""The formats in which the detections of an archive are written: their registry, and how `--results` is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tidzam.errors import ConfigError
from tidzam.extensions import Registry

RESULT_FORMATS: Final = Registry(
    "tidzam.result_formats",
    "result format",
    {
        "csv": "analyzer.result_formats.csv_table:CsvTable",
        "jsonl": "analyzer.result_formats.json_lines:JsonLines",
        "parquet": "analyzer.result_formats.parquet:ParquetTable",
        "raven": "analyzer.result_formats.raven:RavenTables",
        "audacity": "analyzer.result_formats.audacity:AudacityLabels",
        "predictions": "analyzer.result_formats.predictions:FilePredictions",
    },
)
"""All formats by the name that `--results NAME:PATH` selects, or the suffix of a path."""


@dataclass(frozen=True)
class ResultTarget:
    """Where results are written: a format, and a file or, for formats with a file per recording, a folder."""

    format: str
    path: Path

    @classmethod
    def parse(cls, text: str) -> Self:
        """`FORMAT:PATH`, or a path whose suffix is the name of a format.

        >>> ResultTarget.parse("found.parquet"), ResultTarget.parse("raven:tables").path
        (ResultTarget(format='parquet', path=PosixPath('found.parquet')), PosixPath('tables'))

        Raises ConfigError (`unknown_extension`) if there is no such format.
        """
        name, colon, path = text.partition(":")
        if colon and path and name in RESULT_FORMATS.names():
            return cls(name, Path(path))
        suffix = Path(text).suffix[1:].lower()
        if suffix in RESULT_FORMATS.names():
            return cls(suffix, Path(text))
        known = ", ".join(RESULT_FORMATS.names())
        raise ConfigError(
            f"The format of the results {text!r} is unknown.",
            hint=f"Write FORMAT:PATH, or a file name with the suffix of a format. The formats are {known}.",
            code="unknown_extension",
            field="results",
        )
