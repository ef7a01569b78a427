"""Applies the retention settings of a source to its folder of recordings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from stream_manager.recorder.folder import final_path, recording_files
from tidzam.clocks import Clock, system_clock
from tidzam.config.recording import RecordSettings
from tidzam.file_ages import FileAges
from tidzam.keep_marks import is_kept
from tidzam.naming import HELD_SUFFIX
from tidzam.recording_retention import Deletion, RecordedFile, doubts, recording_of, to_delete
from tidzam.segments import INDEX_NAME, SegmentIndex

RETENTION_S: Final = 60.0
RETENTION_SHARE: Final = 100
"""Reading a folder of 100,000 files takes a second or two: no more than a hundredth of the time is spent on that."""
AGES: Final = ".retention"
"""The folder with the ages of recordings, in that of the recordings: to write there is no change of the latter."""


@dataclass(frozen=True)
class RetentionResult:
    """Which recordings were deleted, what looks wrong about the dates of others, and why some could not be deleted."""

    deletions: Sequence[Deletion] = ()
    doubts: str | None = None
    failure: str | None = None


def retention_pause_s(took_s: float) -> float:
    """How long to wait, in seconds, after the settings were applied, which took `took_s`."""
    return max(RETENTION_S, RETENTION_SHARE * took_s)


class Retention:
    """The retention of the recordings of `source`."""

    def __init__(self, source: str, settings: RecordSettings, *, clock: Clock = system_clock) -> None:
        self._source, self._settings, self._clock = source, settings, clock
        self._ages = FileAges(settings.path / AGES / f"{source}.json", clock=clock)

    def apply(self, found: Iterable[os.DirEntry[str]] | None = None) -> RetentionResult:
        """Delete the recordings that the settings do not keep. May take long.

        `found` are the files of the folder, or those of the source, if they are known; else the folder is read.

        Rows of deleted segments are removed from their index first, so that no row lacks its file. Raises OSError and
        sqlite3.Error.
        """
        folder, keep = self._settings.path, self._settings.keep
        if not keep.deletes or not folder.is_dir():
            return RetentionResult()
        entries = recording_files(folder) if found is None else found
        files = self._with_ages(list(_recordings(entries, self._source)))
        deletions = to_delete(files, keep, free_bytes=shutil.disk_usage(folder).free)
        gone, failure = _delete(folder, [deletion.file.path for deletion in deletions])
        left = [file for file in files if file.path not in gone]
        deleted = [deletion for deletion in deletions if deletion.file.path in gone]
        return RetentionResult(deleted, doubts(left, keep, now=self._clock().utc), failure)

    def _with_ages(self, files: Sequence[RecordedFile]) -> Sequence[RecordedFile]:
        names = [final_path(file.path).name for file in files]  # a held one is as old when it is released
        ages_s = self._ages.see({name: file.end for name, file in zip(names, files, strict=True)})
        return [replace(file, age_s=ages_s[name]) for name, file in zip(names, files, strict=True)]


def _delete(folder: Path, chosen: Sequence[Path]) -> tuple[set[Path], str | None]:
    """Delete files. Returns those that are gone, and why others are not, if the disk refused."""
    gone = set[Path]()
    failure: str | None = None
    paths = [path for path in chosen if not is_kept(final_path(path))]  # some may have been marked meanwhile
    if paths and (folder / INDEX_NAME).exists():
        SegmentIndex(folder).remove(str(path.relative_to(folder)) for path in paths)
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            failure = str(error)
        else:
            gone.add(path)
    for home in {path.parent for path in gone} - {folder}:
        with suppress(OSError):  # it is not empty
            home.rmdir()
    return gone, failure


def _recordings(entries: Iterable[os.DirEntry[str]], source: str) -> Iterator[RecordedFile]:
    """The complete recordings of a source among some files, also held ones."""
    for entry in entries:
        is_held = entry.name.startswith(".") and entry.name.endswith(HELD_SUFFIX)
        start = recording_of(final_path(Path(entry.name)).name if is_held else entry.name, source)
        if start is None:
            continue
        with suppress(FileNotFoundError):
            status = entry.stat()
            end = datetime.fromtimestamp(status.st_mtime, UTC)
            kept = is_kept(final_path(Path(entry.path)))
            yield RecordedFile(Path(entry.path), start, end, status.st_size, age_s=0.0, is_kept=kept)
