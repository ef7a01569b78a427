"""Applies the retention settings of a source to its folder of recordings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from stream_manager.recorder.folder import recording_files
from stream_manager.recorder.retention import Deletion, RecordedFile, recording_of, to_delete
from tidzam.config.recording import RecordSettings
from tidzam.segments import INDEX_NAME, SegmentIndex


def delete_old(source: str, settings: RecordSettings) -> Sequence[Deletion]:
    """Delete the recordings of `source` that its settings do not keep; returns them. May take long.

    Rows of deleted segments are removed from their index first, so that no row lacks its file. Raises OSError and
    sqlite3.Error.
    """
    folder = settings.path
    if not settings.keep.deletes or not folder.is_dir():
        return ()
    free_bytes = shutil.disk_usage(folder).free
    deletions = to_delete(_recordings(folder, source), settings.keep, now=datetime.now(UTC), free_bytes=free_bytes)
    if deletions and (folder / INDEX_NAME).exists():
        SegmentIndex(folder).remove(str(deletion.file.path.relative_to(folder)) for deletion in deletions)
    for deletion in deletions:
        deletion.file.path.unlink(missing_ok=True)
    for home in {deletion.file.path.parent for deletion in deletions} - {folder}:
        with suppress(OSError):  # it is not empty
            home.rmdir()
    return deletions


def _recordings(folder: Path, source: str) -> Iterator[RecordedFile]:
    for entry in recording_files(folder):
        start = recording_of(entry.name, source)
        if start is None:
            continue
        with suppress(FileNotFoundError):
            status = entry.stat()
            end = datetime.fromtimestamp(status.st_mtime, UTC)
            yield RecordedFile(Path(entry.path), start, end, status.st_size)
