"""The recordings of a channel: those in the folder of its source, and those that the store lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select

from tidzam.naming import split_date
from tidzam.recorded_sound.folder import RecordedFolder, timed_recordings
from tidzam.recorded_sound.plan import SoundPlan, TimedRecording, plan_sound
from tidzam.store.database import Store
from tidzam.store.tables.places import NodeRow, SourceRow
from tidzam.store.tables.recordings import RecordingRow

_LONGEST: Final = timedelta(days=1)


class StoredRecordings:
    """The recordings of a source of `node` that the store lists, wherever they are: the source may have been added by a
    client, removed, or recorded elsewhere."""

    def __init__(self, store: Store, node: str, source: str) -> None:
        self._store, self._source = store, source
        ids = select(SourceRow.id).join(NodeRow, NodeRow.id == SourceRow.node_id)
        self._is_of_source = RecordingRow.source_id.in_(ids.where(NodeRow.name == node, SourceRow.name == source))

    def names(self, start: datetime, end: datetime) -> list[tuple[Path, datetime]]:
        """The paths and starts of the recordings that hold some of a period. Raises StoreError."""
        query = select(RecordingRow.path, RecordingRow.start).where(
            self._is_of_source,
            RecordingRow.start < end,
            RecordingRow.start > start - _LONGEST,
            RecordingRow.end > start,
        )
        with self._store.read() as session:
            found = [(Path(path), begun) for path, begun in session.execute(query)]
        return [(path, begun) for path, begun in found if split_date(path.stem)[0] == self._source]

    def is_known(self) -> bool:
        """Whether any recording of the source is listed. Raises StoreError."""
        query = select(RecordingRow.id).where(self._is_of_source).limit(1)
        with self._store.read() as session:
            return session.execute(query).first() is not None


class ChannelRecordings:
    """The recordings of a channel, which is the one called `number` in each of them."""

    def __init__(
        self, number: int, *, join_s: float, folder: RecordedFolder | None, stored: StoredRecordings | None
    ) -> None:
        self.number, self.join_s = number, join_s
        self._parts = [part for part in (folder, stored) if part is not None]

    def files(self, start: datetime, end: datetime) -> list[TimedRecording]:
        """The recordings that hold some of a period, in the order of time, each once.

        Those that are gone, cannot be read or lack the channel are left out. Raises StoreError.
        """
        named = {path: begun for part in self._parts for path, begun in part.names(start, end)}
        return [file for file in timed_recordings(named.items(), start) if file.channels > self.number]

    def plan(self, start: datetime, duration_s: float) -> SoundPlan | None:
        """The sound from `start` on; None if nothing of it was recorded. Raises StoreError."""
        files = self.files(start, start + timedelta(seconds=duration_s))
        return plan_sound(files, start, duration_s, join_s=self.join_s)
