"""The contract of a result format, and what formats share."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from analyzer.files.analysis import FileReport
from analyzer.files.report import COLUMNS
from tidzam.config.result_formats import RESULT_FORMATS, ResultTarget
from tidzam.errors import TidzamError
from tidzam.naming import shortened
from tidzam.output_hints import hint_for
from tidzam.text import shown

_STEM_BYTES: Final = 200
"""The maximum length of a file name without suffix: file systems allow 255 bytes, of which suffixes take some."""
RESULT_COLUMNS = ("file", *COLUMNS)
"""The columns of tables: the file as it was given, then those of a detection in it."""


@dataclass(frozen=True)
class FileResult:
    """The report of a file, and the file's path below the folder that was given."""

    report: FileReport
    below: Path


class ResultFormat(Protocol):
    """Writes the detections of an archive. It is created with the path that the command line names.

    `check` is called before the analysis: it raises TidzamError (`output`) if the path cannot be written, and
    SetupError if a package is missing. `write` is called once at the end, also after an interruption, with the results
    in the order of the input; it may be iterated once, and holds more than fits into memory. It replaces what an
    earlier run wrote, whole or not at all per file, and raises OSError, or TidzamError, if it cannot.
    """

    def check(self) -> None: ...

    def write(self, results: Iterable[FileResult]) -> None: ...


class ResultFormatFactory(Protocol):
    """What a name in the registry `tidzam.result_formats` refers to: usually the class of a format."""

    def __call__(self, path: Path) -> ResultFormat: ...


def make_format(target: ResultTarget) -> ResultFormat:
    """The format of a target. Raises ConfigError (`broken_extension`) if it cannot be loaded."""
    factory: ResultFormatFactory = RESULT_FORMATS.load(target.format)
    return factory(target.path)


def rows_of(results: Iterable[FileResult]) -> Iterator[dict[str, object]]:
    """A row per detection, by RESULT_COLUMNS, and with what tables have no column for (`FileDetection.json_row`)."""
    for result in results:
        for row in result.report.detections:
            yield {"file": result.report.file, **row}


def channels_of(row: Mapping[str, Any]) -> list[int]:
    """The channels of a detection, which may be heard on several: the loudest first."""
    return [int(channel) for channel in str(row.get("channels") or row["channel"]).split()]


def check_file(path: Path) -> None:
    """Raises TidzamError (`output`) if a file cannot be created or replaced at `path`."""
    with naming_errors(path):
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise TidzamError(f"{shown(path)} is not a regular file.", hint="Specify another file.", code="output")
        _try(path.parent)


def check_folder(path: Path) -> None:
    """Raises TidzamError (`output`) if `path` is not a folder in which files can be created. It is created."""
    if path.exists() and not path.is_dir():
        raise TidzamError(f"{shown(path)} is not a folder.", hint="Specify another folder.", code="output")
    with naming_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        _try(path)


def _try(folder: Path) -> None:
    """Create a file in a folder, and delete it. Raises OSError."""
    probe = folder / f".tidzam-{os.getpid()}"
    probe.touch()
    probe.unlink()


@contextmanager
def naming_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into a TidzamError (`output`) that names `path`."""
    try:
        yield
    except OSError as error:
        raise TidzamError(
            f"{shown(path)} cannot be written: {error.strerror}.",
            hint=hint_for(error, path),
            code="output",
        ) from None


def _beside(below: Path, stem: str, suffix: str) -> Path:
    return below.with_name(f"{shortened(stem, _STEM_BYTES)}{suffix}")


def file_names(results: Iterable[FileResult], suffix: str) -> Iterator[tuple[FileResult, Path]]:
    """Each result with the path of its file: that below the input folder, with another suffix.

    Two recordings that differ in their suffix only keep it: `a.wav`, then `a.flac.txt`. Long names are shortened.
    """
    taken = set[Path]()
    for result in results:
        path = _beside(result.below, result.below.stem, suffix)
        if path in taken:
            path = _beside(result.below, result.below.name, suffix)
        number = 2
        while path in taken:
            path = _beside(result.below, f"{result.below.name}-{number}", suffix)
            number += 1
        taken.add(path)
        yield result, path
