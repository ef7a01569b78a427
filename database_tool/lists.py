"""Clips out of lists that people have: CSV, Raven selection tables, Audacity label tracks, a folder of one class."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tidzam.clips import SUFFIXES, Clip, find_files, group_of
from tidzam.errors import DatasetError

RAVEN_LABELS = ("Annotation", "Label", "Species", "Common Name", "Class", "Tag", "Tags", "Call Type", "Sound Type")
"""Columns in which people note in Raven what they hear; each table has its own."""


def clips_of_class(folder: Path, label: str) -> list[Clip]:
    """All sound files in a folder and below, as one class. Raises DatasetError if there are none."""
    clips = [Clip(path, label, group_of(path)) for path in find_files(folder)]
    if not clips:
        raise DatasetError(f"{folder} holds no sound file.", hint="Name a folder with sound files.")
    return clips


def read_csv(path: Path) -> list[Clip]:
    """The stretches that a CSV list names, a row each: file, start, end (seconds), label; also channel and group.

    `start`, `end`, `channel` and `group` may be left out or empty: the whole file, all channels, the file's recording.
    Files are sought beside the list. Raises DatasetError, naming the line.
    """
    rows = list(_rows(path, delimiter=","))
    if not rows or not {"file", "label"} <= set(rows[0][1]):
        raise DatasetError(
            f"{path} is no list of clips: it has no columns file and label.",
            hint="The first line is: file,start,end,label",
            code="dataset_list",
        )
    return [_csv_clip(path, line, row) for line, row in rows]


def read_raven(table: Path, *, label_column: str = "", audio: Path | None = None) -> list[Clip]:
    """The selections of a Raven table. A selection that is listed for several views counts once.

    The sound is what `Begin Path` or `Begin File` names, else `audio`, else the file beside the table that its name
    begins with. The label is in `label_column`, else in the first of RAVEN_LABELS that there is.
    """
    rows = list(_rows(table, delimiter="\t"))
    if not rows:
        return []
    columns = rows[0][1]
    column = _label_column(table, columns, label_column)
    clips: dict[tuple[str, ...], Clip] = {}
    for line, row in rows:
        begin_s, end_s = (_seconds(table, line, row, name) for name in ("Begin Time (s)", "End Time (s)"))
        if row.get("File Offset (s)"):  # of a sequence of files: times count from its first
            begin_s, end_s = (
                _seconds(table, line, row, "File Offset (s)"),
                _seconds(table, line, row, "File Offset (s)") + end_s - begin_s,
            )
        named = row.get("Begin Path") or row.get("Begin File") or ""
        sound = _find(table, named) if named else audio or _beside(table)
        label = (row[column] or "").strip()
        channel = int(row["Channel"]) - 1 if row.get("Channel", "").isdigit() else None
        key = (row.get("Selection") or str(line), named, label)
        if label:
            clips.setdefault(key, _stretch(table, line, sound, label, begin_s, end_s, channel))
    return list(clips.values())


def read_audacity(track: Path, *, audio: Path | None = None) -> list[Clip]:
    """The labels of an Audacity label track: lines of start, end and label, with tabs between. Unnamed ones are left.

    The sound is `audio`, else the file beside the track that its name begins with.
    """
    sound = audio or _beside(track)
    clips = []
    for line, text in enumerate(_text(track).splitlines(), start=1):
        if not text.strip() or text.startswith("\\"):  # the second line of a label holds frequencies
            continue
        parts = text.split("\t")
        if len(parts) < 2:
            raise _fault(track, line, "it is not: start, end, label, with tabs between")
        row = {"start": parts[0], "end": parts[1]}
        start_s, end_s = (_seconds(track, line, row, name) for name in ("start", "end"))
        label = parts[2].strip() if len(parts) > 2 else ""
        if label:
            clips.append(_stretch(track, line, sound, label, start_s, end_s, None))
    return clips


def find_lists(path: Path, suffix: str) -> list[Path]:
    """The list itself, or all below a folder whose names end so. Raises DatasetError if there are none."""
    if path.is_file():
        return [path]
    found = sorted(one for one in path.rglob(f"*{suffix}") if one.is_file())
    if not found:
        raise DatasetError(f"{path} holds no file that ends in {suffix}.", hint="Name a list, or a folder of them.")
    return found


def _csv_clip(path: Path, line: int, row: Mapping[str, str]) -> Clip:
    if not row["file"] or not row["label"]:
        raise _fault(path, line, "it has no file, or no label")
    sound = path.parent / row["file"]
    start_s = _seconds(path, line, row, "start") if row.get("start") else 0.0
    channel = row.get("channel", "")
    if channel and not channel.isdigit():
        raise _fault(path, line, f"{channel!r} is no channel")
    group = row.get("group") or group_of(sound)
    number = int(channel) if channel else None
    if not row.get("end"):
        return Clip(sound, row["label"], group, start_s, None, number)
    end_s = _seconds(path, line, row, "end")
    clip = _stretch(path, line, sound, row["label"], start_s, end_s, number)
    return Clip(sound, clip.label, group, clip.start_s, clip.duration_s, number)


def _stretch(
    source: Path, line: int, sound: Path, label: str, start_s: float, end_s: float, channel: int | None
) -> Clip:
    if start_s > end_s:
        raise _fault(source, line, f"{start_s:g} to {end_s:g} s is no stretch of time")
    return Clip(sound, label, group_of(sound), start_s, round(end_s - start_s, 6), channel)


def _label_column(table: Path, columns: Iterable[str], wanted: str) -> str:
    names = list(columns)
    column = wanted if wanted in names else next((name for name in RAVEN_LABELS if name in names and not wanted), "")
    if not column:
        raise DatasetError(
            f"{table} does not say what was heard: it has no column {wanted or ' or '.join(RAVEN_LABELS[:3])}.",
            hint=f"Name it with --label-column; there are: {', '.join(names)}.",
            code="dataset_list",
        )
    return column


def _beside(path: Path) -> Path:
    """The sound file beside a list whose name begins as its own: NAME.txt, NAME.Table.1.selections.txt."""
    sounds = [one for one in sorted(path.parent.iterdir()) if one.suffix.lower() in SUFFIXES]
    fitting = [one for one in sounds if path.name.startswith(f"{one.stem}.")]
    if not fitting:
        raise DatasetError(
            f"There is no sound file beside {path} that is called as it is.", hint="Name it with --audio."
        )
    return max(fitting, key=lambda one: len(one.stem))


def _find(table: Path, named: str) -> Path:
    """A file that a table names by path, on this machine or another, or by name beside itself."""
    given = Path(named)
    beside = table.parent / named.replace("\\", "/").rpartition("/")[2]
    return given if given.is_absolute() and given.is_file() else beside


def _rows(path: Path, *, delimiter: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a table, by its columns, with their numbers. What a line lacks is empty."""
    reader = csv.DictReader(_text(path).splitlines(keepends=True), delimiter=delimiter, restval="")
    try:
        for row in reader:
            yield reader.line_num, {(key or "").strip(): value for key, value in row.items() if isinstance(value, str)}
    except csv.Error as error:
        raise _fault(path, reader.line_num, str(error)) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror}.", hint="Name a list.", code="dataset_list"
        ) from None
    except UnicodeDecodeError:
        return path.read_text(encoding="latin-1")


def _seconds(path: Path, line: int, row: Mapping[str, str], name: str) -> float:
    """A time in a file. Raises DatasetError if it is none."""
    with suppress(KeyError, ValueError):
        if 0 <= (seconds := float(row[name])) < math.inf:
            return seconds
    raise _fault(path, line, f"{name} is {row.get(name, '')!r}, not seconds")


def _fault(path: Path, line: int, reason: str) -> DatasetError:
    return DatasetError(f"Line {line} of {path} cannot be used: {reason}.", code="dataset_list")


def all_clips(lists: Sequence[list[Clip]]) -> list[Clip]:
    """The clips of several lists. Raises DatasetError if there are none."""
    clips = [clip for one in lists for clip in one]
    if not clips:
        raise DatasetError("The lists name no clip with a label.", code="dataset_list")
    return clips
