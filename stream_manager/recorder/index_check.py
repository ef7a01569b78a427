"""What the index of segments lacks after a crash: the files of the last days are compared with its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

from stream_manager.recorder.folder import day_folders
from tidzam.naming import split_date
from tidzam.segments import SegmentIndex

_DAYS: Final = 2


@dataclass(frozen=True)
class IndexChanges:
    """Files that have no row, and paths in rows that have no file."""

    missing: tuple[Path, ...]
    gone: tuple[str, ...]


def index_changes(folder: Path, source: str, index: SegmentIndex) -> IndexChanges:
    """Compare the last two days of a source's segments with the index. Raises OSError and sqlite3.Error."""
    days = day_folders(folder)[-_DAYS:]
    if not days:
        return IndexChanges((), ())
    files = {
        str(path.relative_to(folder)): path
        for day in days
        for path in sorted(day.iterdir())
        if not path.name.startswith(".") and split_date(path.stem)[0] == source
    }
    since = datetime.combine(datetime.strptime(days[0].name, "%Y-%m-%d"), time(), UTC)
    rows = {segment.filepath for segment in index.find(source, since=since)}
    missing = tuple(path for name, path in files.items() if name not in rows)
    return IndexChanges(missing, tuple(sorted(rows - files.keys())))
