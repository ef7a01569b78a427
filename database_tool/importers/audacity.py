"""Audacity label tracks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from database_tool.importers.annotations import (
    LIST_HELP,
    AudioOption,
    audio_beside,
    find_lists,
    label_in,
    report_unlabeled,
    section,
)
from database_tool.importers.base import Parts, one_part
from tidzam.clips import Clip
from tidzam.progress import Say
from tidzam.tables import Row, fault, read_lines


@dataclass(frozen=True, kw_only=True)
class AudacityImporter:
    """Audacity label tracks."""

    path_help: ClassVar[str] = LIST_HELP

    audio: AudioOption = None

    def read(self, path: Path, *, say: Say) -> Parts:
        tracks = find_lists(path, ".txt")
        return one_part([clip for one in tracks for clip in read_audacity(one, audio=self.audio, say=say)], path)


def read_audacity(track: Path, *, say: Say, audio: Path | None = None) -> list[Clip]:
    """The labels of an Audacity label track: lines of start, end and label, separated by tabs.

    The audio file is `audio`, else `audio_beside` the track. Labels without a name are skipped. Raises DatasetError
    with the line.
    """
    path = audio or audio_beside(track)
    clips, unlabeled = [], 0
    for line, text in read_lines(track):
        if not text.strip() or text.startswith("\\"):  # the second line of a label has its frequencies
            continue
        parts = [part.strip() for part in text.split("\t")]
        if len(parts) < 2:
            raise fault(track, line, "expected start, end and label, separated by tabs")
        row = Row(track, line, dict(zip(("start", "end", "label"), parts, strict=False)), decimal_comma=True)
        start_s, end_s = row.seconds("start"), row.seconds("end")
        if row.get("label"):
            clips.append(section(row, path, label_in(row, "label"), start_s, end_s))
        else:
            unlabeled += 1
    report_unlabeled(track, unlabeled, say=say)
    return clips
