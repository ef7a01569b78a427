"""What an index holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidzam.sound_index.index import SoundIndex
from tidzam.store.base import from_microseconds


@dataclass(frozen=True)
class IndexStatus:
    """The `recordings` whose `windows` are in an index, `hours` of all channels together; `unreadable` ones are not.
    `oldest` and `newest` are the beginning and the end of what it holds."""

    base: str
    version: str
    recordings: int
    unreadable: int
    windows: int
    hours: float
    bytes: int
    oldest: datetime | None
    newest: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Plain values; times in ISO 8601."""
        times = {name: None if (one := getattr(self, name)) is None else one.isoformat() for name in _TIMES}
        return {**vars(self), "hours": round(self.hours, 3), **times}


_TIMES = ("oldest", "newest")


def index_status(index: SoundIndex) -> IndexStatus:
    """Raises OSError and sqlite3.Error."""
    layout, recordings = index.layout(), index.catalog.recordings()
    unreadable = sum(one.fault is not None for one in recordings)
    window = timedelta(milliseconds=index.about.window_ms)
    windows = len(layout)
    oldest = newest = None
    if windows:
        oldest = from_microseconds(int(layout.starts_us.min()))
        newest = from_microseconds(int((layout.starts_us + layout.rows * 1000 * index.about.window_ms).max()))
    return IndexStatus(
        base=index.about.base,
        version=index.about.version,
        recordings=len(recordings) - unreadable,
        unreadable=unreadable,
        windows=windows,
        hours=windows * window.total_seconds() / 3600,
        bytes=index.size_bytes,
        oldest=oldest,
        newest=newest,
    )
