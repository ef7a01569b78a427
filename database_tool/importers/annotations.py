"""What importers of annotation lists share: finding the lists, their audio files, and checking the values of a row."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Annotated, Final

import typer

from tidzam.audio.file_types import is_audio
from tidzam.audio.folder_walk import walk
from tidzam.clips import Clip, group_of
from tidzam.errors import DatasetError
from tidzam.labels import clean_label, label_fault
from tidzam.progress import Say
from tidzam.tables import Row, number, quoted
from tidzam.text import plural, shown

LIST_HELP: Final = "Annotation list, or a folder of them."
MAX_CHANNEL: Final = 1023

AudioOption = Annotated[
    Path | None, typer.Option("--audio", help="The audio file, for lists that do not name their own.")
]


def find_lists(path: Path, suffix: str) -> list[Path]:
    """`path` itself, or the files below the folder `path` with that suffix. Raises DatasetError if there are none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DatasetError(f"{path} does not exist.", hint="Specify a list, or a folder of lists.")
    found = walk(path, wanted=lambda one: one.suffix.lower() == suffix).files
    if not found:
        raise DatasetError(f"{path} contains no {suffix} file.", hint="Specify a list, or a folder of lists.")
    return list(found)


def report_unlabeled(path: Path, rows: int, *, say: Say) -> None:
    """Report how many rows of a list were skipped because they have no label."""
    if rows:
        say(f"{shown(path)}: {plural(rows, 'row')} without a label skipped")


def label_in(row: Row, column: str) -> str:
    """The label in a column. Raises DatasetError if it cannot name a class."""
    label = clean_label(row.get(column))
    if reason := label_fault(label):
        raise row.fault(f"the label {quoted(label)} {reason}")
    return label


def channel_in(row: Row, column: str, *, first: int = 0) -> int | None:
    """A channel number, counted from 0, or None if the cell is empty; the list itself counts from `first`."""
    text = row.get(column)
    if not text:
        return None
    found = number(text)
    if found is None or not found.is_integer() or not 0 <= found - first <= MAX_CHANNEL:
        raise row.fault(f"{quoted(text)} is not a channel from {first} to {MAX_CHANNEL + first}")
    return int(found) - first


def section(row: Row, audio: Path, label: str, start_s: float, end_s: float, channel: int | None = None) -> Clip:
    """A section of an audio file as a clip. Raises DatasetError if it ends before it starts."""
    if start_s > end_s:
        raise row.fault(f"start {start_s:g} s is after end {end_s:g} s")
    return Clip(audio, label, group_of(audio), start_s, round(end_s - start_s, 6), channel)


def audio_beside(path: Path) -> Path:
    """The audio file in the folder of a list whose stem the list's name begins with.

    `pond.wav` belongs to `pond.txt` and to `pond.Table.1.selections.txt`. The longest stem wins. Raises DatasetError.
    """
    named_so = [one for one in sorted(path.parent.iterdir()) if path.name.startswith(f"{one.stem}.")]
    fitting = [one for one in named_so if one != path and is_audio(one)]
    if not fitting:
        raise DatasetError(f"No audio file with the same name next to {path}.", hint="Specify it with --audio.")
    return max(fitting, key=lambda one: len(one.stem))


def named_audio(folder: Path, name: str) -> Path:
    """The audio file that a list in `folder` names: by a path on this machine or another, or by its name."""
    given = Path(name)
    beside = folder / name.replace("\\", "/").rpartition("/")[2]
    return given if given.is_absolute() and _is_file(given) else existing_spelling(beside)


def existing_spelling(path: Path) -> Path:
    """`path` in the Unicode form in which it exists on disk: the list may come from another operating system."""
    forms = (path, *(Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD")))
    return next((one for one in forms if _is_file(one)), path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long, or a folder may not be entered
        return False
