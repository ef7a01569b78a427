"""Clips out of lists that people have: CSV, Raven selection tables, Audacity label tracks, a folder of one class."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tidzam.audio.kinds import is_audio
from tidzam.audio.walk import remarks, walk
from tidzam.clips import Clip, FoundClips, group_of
from tidzam.errors import DatasetError
from tidzam.labels import clean_label, label_fault
from tidzam.tables import Row, columns_of, fault, number, quoted, read_lines, read_table
from tidzam.text import shown

log = logging.getLogger(__name__)

RAVEN_LABELS = ("Annotation", "Label", "Species", "Common Name", "Class", "Tag", "Tags", "Call Type", "Sound Type")
"""Columns in which people note in Raven what they hear; each table has its own."""

BEGIN: Final = "Begin Time (s)"
END: Final = "End Time (s)"
OFFSET: Final = "File Offset (s)"
MAX_CHANNEL: Final = 1023


def clips_of_class(folder: Path, label: str) -> FoundClips:
    """All audio files in a folder and below, as one class. Raises DatasetError if there are none."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.", hint="Name a folder with audio files.")
    found = walk(folder)
    notes = tuple(remarks(found.left_out, folder))
    if not found.files:
        reasons = "".join(f"; {note}" for note in notes)
        raise DatasetError(f"{folder} holds no audio file{reasons}.", hint="Name a folder with audio files.")
    return FoundClips(tuple(Clip(path, label, group_of(path)) for path in found.files), remarks=notes)


def read_csv(path: Path) -> list[Clip]:
    """The stretches that a CSV list names, a row each: file, start, end (seconds), label; also channel and group.

    `start`, `end`, `channel` and `group` may be left out or empty: the whole file, all channels, the file's recording.
    Files are searched for beside the list. Columns may be separated by commas, semicolons or tabs. Raises DatasetError,
    naming the line.
    """
    rows = read_table(path, required=("file", "label"), any_case=True)
    if not {"file", "label"} <= set(columns_of(rows)):
        raise DatasetError(
            f"{path} is not a list of clips: it lacks the columns file and label, or has no rows.",
            hint="The first line is: file,start,end,label",
            code="dataset_list",
        )
    return [_csv_clip(path, row) for row in rows]


def read_raven(table: Path, *, label_column: str = "", audio: Path | None = None) -> list[Clip]:
    """The selections of a Raven table, or of several that were joined.

    A selection that is listed for several views counts once; selections of one number in joined tables are
    distinguished by their times. The audio file is the one that `Begin Path` or `Begin File` names, else `audio`, else
    the file beside the table whose name begins the table's. The label is in `label_column`, else in the first of
    RAVEN_LABELS that exists.
    """
    rows = read_table(table, required=(BEGIN, END), separators=("\t", ",", ";", "|"))
    if not rows:
        return []
    columns = columns_of(rows)
    column = _label_column(table, columns, label_column)
    if missing := [name for name in (BEGIN, END) if name not in columns]:
        raise DatasetError(
            f"{table} is not a Raven selection table: it has no column {missing[0]!r}.",
            hint=f"Export it from Raven again. Its columns are: {', '.join(map(quoted, columns))}.",
            code="dataset_list",
        )
    clips: dict[tuple[str, Clip], Clip] = {}
    for row in rows:
        if row.get(column):
            clip = _raven_clip(table, row, column, audio)
            clips.setdefault((row.get("Selection") or str(row.line), clip), clip)
    _warn_unlabelled(table, sum(not row.get(column) for row in rows))
    return list(clips.values())


def read_audacity(track: Path, *, audio: Path | None = None) -> list[Clip]:
    """The labels of an Audacity label track: lines of start, end and label, with tabs between. Unnamed ones are left.

    The sound is `audio`, else the file beside the track that its name begins with.
    """
    sound = audio or _beside(track)
    clips, unlabelled = [], 0
    for line, text in read_lines(track):
        if not text.strip() or text.startswith("\\"):  # the second line of a label holds frequencies
            continue
        parts = [part.strip() for part in text.split("\t")]
        if len(parts) < 2:
            raise fault(track, line, "expected start, end and label, separated by tabs")
        row = Row(track, line, dict(zip(("start", "end", "label"), parts, strict=False)), decimal_comma=True)
        start_s, end_s = row.seconds("start"), row.seconds("end")
        if row.get("label"):
            clips.append(_stretch(row, sound, _label(row, "label"), start_s, end_s, None))
        else:
            unlabelled += 1
    _warn_unlabelled(track, unlabelled)
    return clips


def find_lists(path: Path, suffix: str) -> list[Path]:
    """The list itself, or all below a folder whose names end so. Raises DatasetError if there are none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DatasetError(f"There is no {path}.", hint="Name a list, or a folder of them.")
    found = walk(path, wanted=lambda one: one.suffix.lower() == suffix).files
    if not found:
        raise DatasetError(f"{path} holds no file that ends in {suffix}.", hint="Name a list, or a folder of them.")
    return list(found)


def all_clips(lists: Sequence[Sequence[Clip]]) -> list[Clip]:
    """The clips of several lists. Raises DatasetError if there are none."""
    clips = [clip for one in lists for clip in one]
    if not clips:
        raise DatasetError("The lists name no clip with a label.", code="dataset_list")
    return clips


def _warn_unlabelled(path: Path, rows: int) -> None:
    if rows:
        log.warning("%s: %d without a label %s left out", shown(path), rows, "is" if rows == 1 else "are")


def _csv_clip(path: Path, row: Row) -> Clip:
    if not row.get("file") or not row.get("label"):
        raise row.fault("it has no file, or no label")
    sound = _spelled(path.parent / row.get("file"))
    start_s = row.seconds("start") if row.get("start") else 0.0
    channel, group = _channel(row, "channel"), row.get("group") or group_of(sound)
    label = _label(row, "label")
    if not row.get("end"):
        return Clip(sound, label, group, start_s, None, channel)
    clip = _stretch(row, sound, label, start_s, row.seconds("end"), channel)
    return Clip(sound, label, group, clip.start_s, clip.duration_s, channel)


def _raven_clip(table: Path, row: Row, column: str, audio: Path | None) -> Clip:
    begin_s, end_s = row.seconds(BEGIN), row.seconds(END)
    if row.get(OFFSET):  # in a sequence of files, times count from the first
        offset_s = row.seconds(OFFSET)
        begin_s, end_s = offset_s, offset_s + end_s - begin_s
    named = row.get("Begin Path", "Begin File")
    sound = _find(table, named) if named else audio or _beside(table)
    channel = _channel(row, "Channel", first=1) if row.get("Channel").isdecimal() else None
    return _stretch(row, sound, _label(row, column), begin_s, end_s, channel)


def _label(row: Row, column: str) -> str:
    label = clean_label(row.get(column))
    if reason := label_fault(label):
        raise row.fault(f"the label {quoted(label)} {reason}")
    return label


def _channel(row: Row, column: str, *, first: int = 0) -> int | None:
    """A channel's number, counted from 0; in the table, from `first`. None if the table names none."""
    text = row.get(column)
    if not text:
        return None
    found = number(text)
    if found is None or not found.is_integer() or not 0 <= found - first <= MAX_CHANNEL:
        raise row.fault(f"{quoted(text)} is not a channel from {first} to {MAX_CHANNEL + first}")
    return int(found) - first


def _stretch(row: Row, sound: Path, label: str, start_s: float, end_s: float, channel: int | None) -> Clip:
    if start_s > end_s:
        raise row.fault(f"{start_s:g} to {end_s:g} s is not a time span")
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
    named_so = [one for one in sorted(path.parent.iterdir()) if path.name.startswith(f"{one.stem}.")]
    fitting = [one for one in named_so if one != path and is_audio(one)]
    if not fitting:
        raise DatasetError(
            f"There is no sound file beside {path} that is called as it is.", hint="Name it with --audio."
        )
    return max(fitting, key=lambda one: len(one.stem))


def _find(table: Path, named: str) -> Path:
    """A file that a table names by path, on this machine or another, or by name beside itself."""
    given = Path(named)
    beside = table.parent / named.replace("\\", "/").rpartition("/")[2]
    return given if given.is_absolute() and _is_file(given) else _spelled(beside)


def _spelled(path: Path) -> Path:
    """A file by its name, in the Unicode form that the disk uses: the list may have been written elsewhere."""
    forms = (path, *(Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD")))
    return next((one for one in forms if _is_file(one)), path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, or a folder that this user may not enter
        return False
