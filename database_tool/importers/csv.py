"""CSV lists of clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from database_tool.importers.annotations import (
    LIST_HELP,
    channel_in,
    existing_spelling,
    find_lists,
    label_in,
    section,
)
from database_tool.importers.base import Parts, one_part
from tidzam.clips import Clip, group_of
from tidzam.errors import DatasetError
from tidzam.progress import Say
from tidzam.tables import Row, columns_of, read_table


@dataclass(frozen=True, kw_only=True)
class CsvImporter:
    """CSV lists with the columns file, start, end and label, and optionally channel and group."""

    path_help: ClassVar[str] = LIST_HELP

    def read(self, path: Path, *, say: Say) -> Parts:
        return one_part([clip for one in find_lists(path, ".csv") for clip in read_csv(one)], path)


def read_csv(path: Path) -> list[Clip]:
    """The clips of a CSV list, one per row: file, start, end (in seconds) and label; optionally channel and group.

    `start`, `end`, `channel` and `group` may be missing or empty: the whole file, all channels, the file's recording.
    Paths are relative to the list. Columns may be separated by commas, semicolons or tabs. Raises DatasetError with
    the line.
    """
    rows = read_table(path, required=("file", "label"), any_case=True)
    if not {"file", "label"} <= set(columns_of(rows)):
        raise DatasetError(
            f"{path} is not a list of clips: it has no rows, or lacks the column file or label.",
            hint="Begin it with the line: file,start,end,label",
            code="dataset_list",
        )
    return [_clip(path, row) for row in rows]


def _clip(path: Path, row: Row) -> Clip:
    if missing := [column for column in ("file", "label") if not row.get(column)]:
        raise row.fault(f"{missing[0]} is empty")
    audio = existing_spelling(path.parent / row.get("file"))
    start_s = row.seconds("start") if row.get("start") else 0.0
    channel, group = channel_in(row, "channel"), row.get("group") or group_of(audio)
    label = label_in(row, "label")
    if not row.get("end"):
        return Clip(audio, label, group, start_s, None, channel)
    clip = section(row, audio, label, start_s, row.seconds("end"), channel)
    return Clip(audio, label, group, clip.start_s, clip.duration_s, channel)
