"""Raven selection tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer

from database_tool.importers.annotations import (
    LIST_HELP,
    AudioOption,
    audio_beside,
    channel_in,
    find_lists,
    label_in,
    named_audio,
    report_unlabeled,
    section,
)
from database_tool.importers.base import Parts, one_part
from tidzam.annotations.raven import BEGIN, END, LABEL_COLUMNS
from tidzam.clips import Clip
from tidzam.errors import DatasetError
from tidzam.progress import Say
from tidzam.tables import Row, columns_of, quoted, read_table

OFFSET: Final = "File Offset (s)"

LabelColumnOption = Annotated[
    str, typer.Option("--label-column", help=f"Column with the label; by default {LABEL_COLUMNS[0]} or a similar one.")
]


@dataclass(frozen=True, kw_only=True)
class RavenImporter:
    """Raven selection tables."""

    path_help: ClassVar[str] = LIST_HELP

    label_column: LabelColumnOption = ""
    audio: AudioOption = None

    def read(self, path: Path, *, say: Say) -> Parts:
        tables = find_lists(path, ".txt")
        read = [read_raven(one, label_column=self.label_column, audio=self.audio, say=say) for one in tables]
        return one_part([clip for clips in read for clip in clips], path)


def read_raven(table: Path, *, say: Say, label_column: str = "", audio: Path | None = None) -> list[Clip]:
    """The selections of a Raven table, or of several tables in one file.

    A selection that is listed for several views counts once; selections with the same number in joined tables are
    distinguished by their times. The audio file is the one in `Begin Path` or `Begin File`, else `audio`, else
    `audio_beside` the table. The label is in `label_column`, else in the first of LABEL_COLUMNS that the table has.
    """
    rows = read_table(table, required=(BEGIN, END), separators=("\t", ",", ";", "|"))
    if not rows:
        return []
    columns = columns_of(rows)
    column = _label_column(table, columns, label_column)
    if missing := [name for name in (BEGIN, END) if name not in columns]:
        raise DatasetError(
            f"{table} is not a Raven selection table: it has no column {missing[0]!r}.",
            hint=f"Its columns are {', '.join(map(quoted, columns))}. Export it from Raven again.",
            code="dataset_list",
        )
    clips: dict[tuple[str, Clip], Clip] = {}
    for row in rows:
        if row.get(column):
            clip = _clip(table, row, column, audio)
            clips.setdefault((row.get("Selection") or str(row.line), clip), clip)
    report_unlabeled(table, sum(not row.get(column) for row in rows), say=say)
    return list(clips.values())


def _clip(table: Path, row: Row, column: str, audio: Path | None) -> Clip:
    begin_s, end_s = row.seconds(BEGIN), row.seconds(END)
    if row.get(OFFSET):  # in a sequence of files, times are counted from the first file
        offset_s = row.seconds(OFFSET)
        begin_s, end_s = offset_s, offset_s + end_s - begin_s
    named = row.get("Begin Path", "Begin File")
    path = named_audio(table.parent, named) if named else audio or audio_beside(table)
    channel = channel_in(row, "Channel", first=1) if row.get("Channel").isdecimal() else None
    return section(row, path, label_in(row, column), begin_s, end_s, channel)


def _label_column(table: Path, columns: Sequence[str], wanted: str) -> str:
    candidates = (wanted,) if wanted else LABEL_COLUMNS
    column = next((name for name in candidates if name in columns), "")
    if not column:
        raise DatasetError(
            f"{table} has no column with labels: expected {wanted or ', '.join(LABEL_COLUMNS[:3]) + ' or similar'}.",
            hint=f"Its columns are {', '.join(columns)}. Specify one with --label-column.",
            code="dataset_list",
        )
    return column
