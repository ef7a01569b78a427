"""The recordings of a channel: those in the folder of its source, and those that the store lists."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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


@dataclass(frozen=True)
class KnownSegment:
    """A segment whose peak the store knows: `max_amp` is that of its loudest channel."""

    path: Path
    start: datetime
    end: datetime
    max_amp: float


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

    def segments(self, number: int, start: datetime, end: datetime) -> list[KnownSegment]:
        """The segments of a period that have the channel `number`, in the order of time. Raises StoreError."""
        row = RecordingRow
        query = select(row.path, row.start, row.end, row.max_amp).where(
            self._is_of_source, row.is_segment, row.max_amp.is_not(None), row.channels > number
        )
        within = (row.start < end, row.start > start - _LONGEST, row.end > start)
        with self._store.read() as session:
            found = session.execute(query.where(*within).order_by(row.start))
            return [KnownSegment(Path(path), begun, ended, peak or 0.0) for path, begun, ended, peak in found]

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
        self._stored = stored

    def segments(self, start: datetime, end: datetime) -> list[KnownSegment]:
        """The segments of a period whose peaks the store knows, in the order of time. Raises StoreError."""
        return [] if self._stored is None else self._stored.segments(self.number, start, end)

    def files(self, start: datetime, end: datetime, *, but: Collection[Path] = ()) -> list[TimedRecording]:
        """The recordings that hold some of a period, in the order of time, each once, without some.

        Those that are gone, cannot be read or lack the channel are left out. Raises StoreError.
        """
        named = {path: begun for part in self._parts for path, begun in part.names(start, end) if path not in but}
        return [file for file in timed_recordings(named.items(), start) if file.channels > self.number]

    def plan(self, start: datetime, duration_s: float) -> SoundPlan | None:
        """The sound from `start` on; None if nothing of it was recorded. Raises StoreError."""
        files = self.files(start, start + timedelta(seconds=duration_s))
        return plan_sound(files, start, duration_s, join_s=self.join_s)
