"""The recordings of a channel: those in the folder of its source, and those that the store lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select

from console.services.unfinished_sound import UnfinishedSound
from tidzam.naming import split_date
from tidzam.recorded_sound.folder import RecordedFolder, timed_recordings
from tidzam.recorded_sound.plan import SoundPlan, TimedRecording, plan_sound
from tidzam.recorded_sound.sections import decode_peaks
from tidzam.store.database import Store
from tidzam.store.queries.recorded_days import RecordedDay, recorded_days
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


@dataclass(frozen=True)
class KnownSections:
    """A recording with the peaks of the sections of a channel, 1.0 for full scale."""

    path: Path
    start: datetime
    end: datetime
    peaks: tuple[float, ...]


class StoredRecordings:
    """The recordings of a source of `node` that the store lists, wherever they are: the source may have been added by a
    client, removed, or recorded elsewhere."""

    def __init__(self, store: Store, node: str, source: str) -> None:
        self._store, self._source = store, source
        ids = select(SourceRow.id).join(NodeRow, NodeRow.id == SourceRow.node_id)
        self._sources = ids.where(NodeRow.name == node, SourceRow.name == source)
        self._is_of_source = RecordingRow.source_id.in_(self._sources)

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

    def sections(self, number: int, start: datetime, end: datetime) -> list[KnownSections]:
        """The recordings of a period of whose sections the store knows the peaks, in the order of time.

        Of a segment, it may know the peak of the loudest channel only. Raises StoreError.
        """
        row = RecordingRow
        query = select(row.path, row.start, row.end, row.channels, row.section_peaks, row.max_amp).where(
            self._is_of_source,
            row.channels > number,
            or_(row.section_peaks.is_not(None), and_(row.is_segment, row.max_amp.is_not(None))),
        )
        within = (row.start < end, row.start > start - _LONGEST, row.end > start)
        with self._store.read() as session:
            found = session.execute(query.where(*within).order_by(row.start))
            return [
                KnownSections(Path(path), begun, ended, _peaks_of(stored, channels, number) or (peak or 0.0,))
                for path, begun, ended, channels, stored, peak in found
            ]

    def days(self, number: int, zone: ZoneInfo) -> list[RecordedDay]:
        """The days of `zone` of which the channel `number` has recordings. Raises StoreError."""
        with self._store.read() as session:
            sources = session.scalars(self._sources).all()
            return recorded_days(session, sources, number, zone)

    def is_known(self) -> bool:
        """Whether any recording of the source is listed. Raises StoreError."""
        query = select(RecordingRow.id).where(self._is_of_source).limit(1)
        with self._store.read() as session:
            return session.execute(query).first() is not None


class ChannelRecordings:
    """The recordings of a channel, which is the one called `number` in each of them."""

    def __init__(
        self,
        number: int,
        *,
        join_s: float,
        folder: RecordedFolder | None,
        stored: StoredRecordings | None,
        unfinished: UnfinishedSound | None,
    ) -> None:
        self.number, self.join_s, self.unfinished = number, join_s, unfinished
        self._parts = [part for part in (folder, stored) if part is not None]
        self._stored = stored

    def segments(self, start: datetime, end: datetime) -> list[KnownSegment]:
        """The segments of a period whose peaks the store knows, in the order of time. Raises StoreError."""
        return [] if self._stored is None else self._stored.segments(self.number, start, end)

    def sections(self, start: datetime, end: datetime) -> list[KnownSections]:
        """The recordings of a period with the peaks of their sections, if the store knows these. Raises StoreError."""
        return [] if self._stored is None else self._stored.sections(self.number, start, end)

    def days(self, zone: ZoneInfo) -> list[RecordedDay]:
        """How much was recorded on each day of `zone`, by the store. Raises StoreError."""
        return [] if self._stored is None else self._stored.days(self.number, zone)

    def files(self, start: datetime, end: datetime, *, but: Collection[Path] = ()) -> list[TimedRecording]:
        """The recordings that hold some of a period, in the order of time, each once, without some.

        Those that are gone, cannot be read or lack the channel are left out. Raises StoreError.
        """
        named = {path: begun for part in self._parts for path, begun in part.names(start, end) if path not in but}
        return [file for file in timed_recordings(named.items(), start) if file.channels > self.number]

    def plan(self, start: datetime, duration_s: float, *, also: Sequence[TimedRecording] = ()) -> SoundPlan | None:
        """The sound from `start` on, of complete recordings and `also` of some that are not; None if nothing of it was
        recorded. Raises StoreError."""
        files = self.files(start, start + timedelta(seconds=duration_s))
        also = [file for file in also if file.channels > self.number]
        files = _in_order(files, also) if also else files
        return plan_sound(files, start, duration_s, join_s=self.join_s)


def _in_order(files: Sequence[TimedRecording], unfinished: Sequence[TimedRecording]) -> list[TimedRecording]:
    """All recordings, of which the unfinished ones reach to the next at most: how long they are is estimated."""
    found = sorted((*files, *unfinished), key=lambda file: file.start)
    for at, (file, following) in enumerate(pairwise(found)):
        if file in unfinished and file.end > following.start:
            found[at] = replace(file, frames=round((following.start - file.start).total_seconds() * file.rate_hz))
    return found


def _peaks_of(stored: bytes | None, channels: int, number: int) -> tuple[float, ...]:
    """The peaks of a channel; none if they are not known."""
    try:
        return tuple(decode_peaks(stored or b"", channels)[:, number].tolist())
    except ValueError:
        return ()
