"""Deletes the oldest of the files that stay after their analysis, as far as the settings require."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from analyzer.inbox.folder import WaitingFile, WaitingFiles
from tidzam.audio.recording_time import TimeRules
from tidzam.clocks import Clock, system_clock
from tidzam.config.edge import EdgeSettings
from tidzam.edge_folders import EdgeFolders
from tidzam.file_ages import FileAges
from tidzam.keep_marks import is_kept
from tidzam.recording_retention import Deletion, RecordedFile, to_delete
from tidzam.text import shown

log = logging.getLogger(__name__)

_EVERY_S: Final = 60.0
_AGES: Final = ".retention"
"""The folder with the ages of the files, in that of the node's files."""


class ParsedRetention:
    """The retention of `audio-parsed` and `audio-rejected` together."""

    def __init__(self, settings: EdgeSettings, rules: TimeRules, *, clock: Clock = system_clock) -> None:
        folders = EdgeFolders(settings.folder)
        self._keep, self._clock = settings.parsed, clock
        self._folders = [WaitingFiles(folder, rules) for folder in (folders.parsed, folders.rejected)]
        self._root = settings.folder
        self._ages = FileAges(settings.folder / _AGES / "parsed.json", clock=clock)
        self._next_s = 0.0

    def apply(self, *, now: bool = False) -> Sequence[Path]:
        """Delete what the settings do not keep, at most once per minute unless `now`. Returns what was deleted.

        Raises OSError if a folder cannot be read.
        """
        elapsed_s = self._clock().elapsed_s
        if not self._keep.deletes or (elapsed_s < self._next_s and not now):
            return []
        self._next_s = elapsed_s + _EVERY_S
        return [one.file.path for one in self._deletions() if _delete(one.file.path, one.reason)]

    def _deletions(self) -> Sequence[Deletion]:
        files = [_recorded(file) for folder in self._folders for file in folder.scan()]
        names = [str(file.path.relative_to(self._root)) for file in files]
        ages_s = self._ages.see({name: file.end for name, file in zip(names, files, strict=True)})
        aged = [replace(file, age_s=ages_s[name]) for name, file in zip(names, files, strict=True)]
        return to_delete(aged, self._keep, free_bytes=shutil.disk_usage(self._root).free)


def _recorded(file: WaitingFile) -> RecordedFile:
    size, changed_ns = file.stamp
    end = datetime.fromtimestamp(changed_ns / 1e9, UTC)
    return RecordedFile(file.path, file.start or end, end, size, age_s=0.0, is_kept=is_kept(file.path))


def _delete(path: Path, reason: str) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.error("%s cannot be deleted: %s", shown(path), error.strerror)
        return False
    log.info("%s is deleted: %s", shown(path.name), reason)
    return True
