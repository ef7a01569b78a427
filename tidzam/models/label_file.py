"""The labels of a model's outputs, read from a file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tidzam.errors import BundleError
from tidzam.labels import clean_label, label_fault

MAX_BYTES: Final = 32 * 2**20
LABEL, SCIENTIFIC_NAME = "label", "scientific_name"


@dataclass(frozen=True)
class LabelList:
    """The labels of the outputs, in their order, and the scientific names of some."""

    labels: tuple[str, ...]
    scientific_names: Mapping[str, str]


def read_label_file(path: Path) -> LabelList:
    """The labels in a text file, one per line; or in a CSV file (*.csv) with a header, in its column `label`.

    The CSV file may have a column `scientific_name`; other columns are ignored. Raises BundleError (`bundle_labels`)
    with the line of the first label that cannot be used.
    """
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else [(line, "") for line in _read(path).splitlines()]
    while rows and not rows[-1][0].strip():
        rows.pop()
    if not rows:
        raise _unusable(f"{path} contains no labels")
    labels = [clean_label(label) for label, _ in rows]
    first_line = 2 if path.suffix.lower() == ".csv" else 1
    for number, label in enumerate(labels, start=first_line):
        if fault := label_fault(label):
            raise _unusable(f"Line {number} of {path} cannot be a label: it {fault}")
    twice = next((label for label, count in Counter(labels).items() if count > 1), None)
    if twice is not None:
        raise _unusable(f"{path} contains the label {twice!r} twice")
    return LabelList(
        tuple(labels), {label: name.strip() for label, (_, name) in zip(labels, rows, strict=True) if name.strip()}
    )


def _csv_rows(path: Path) -> list[tuple[str, str]]:
    reader = csv.DictReader(_read(path).splitlines())
    if reader.fieldnames is None or LABEL not in reader.fieldnames:
        raise _unusable(
            f"{path} has no column {LABEL!r}; its columns are {', '.join(reader.fieldnames or ()) or 'none'}"
        )
    return [(row[LABEL] or "", row.get(SCIENTIFIC_NAME) or "") for row in reader]


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise _unusable(f"{path} is larger than {MAX_BYTES >> 20} MB")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise _unusable(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _unusable(f"{path} is not a text file in UTF-8") from None


def _unusable(message: str) -> BundleError:
    return BundleError(
        f"{message}.",
        hint="Specify a text file with a label per line, or a CSV file with the columns label and scientific_name.",
        code="bundle_labels",
    )
