"""The sound of what people marked or judged is marked on the disk, so that no budget and no retention deletes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, and_, or_, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from tidzam.config import Settings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.keep_marks import keep, marked_by_programs, release
from tidzam.store.database import Store
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow
from tidzam.store.tables.recordings import RecordingRow

_LONGEST_FILE_US: Final = 86_400_000_000
"""The maximum of `record.length_s`, in microseconds, as which the store has times."""


class KeptSound:
    """The marks of the clips and recordings of a node: of a detection that somebody has marked or judged, its clip is
    kept, or if it has none, the recordings in which it was heard.

    Recordings are those of the sources in the profile. `refresh` brings the marks up to date; it may take a while the
    first time.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._node = store, settings.node.known_as
        sinks, sources = settings.analyzer.sinks, settings.sources
        self._clips = [sink.folder.resolve() for sink in sinks if isinstance(sink, ClipSinkSettings)]
        self._recordings = [source.record.path.resolve() for source in sources if source.record is not None]
        self._kept: set[Path] | None = None

    def refresh(self) -> None:
        """Mark the sound of what somebody has marked or judged, and release that of what nobody does any more.

        Raises StoreError and OSError.
        """
        folders = {*self._clips, *self._recordings}
        if not folders:
            return
        if self._kept is None:
            self._kept = {path for folder in folders for path in marked_by_programs(folder)}
        with self._store.read() as session:
            clips, recordings = clips_to_keep(session, self._node), recordings_to_keep(session, self._node)
        wanted = {*_inside(self._clips, clips), *_inside(self._recordings, recordings)}
        for path in self._kept - wanted:
            release(path)
        self._kept = (self._kept & wanted) | {path for path in wanted - self._kept if keep(path)}


def _inside(folders: Iterable[Path], names: Iterable[str]) -> Iterator[Path]:
    """Where files with these names, absolute or relative to a folder, may be. One that leads out of the folders is
    ignored: the store may be shared."""
    for name in names:
        for folder in folders:
            path = (folder / name).resolve()
            if path.is_relative_to(folder):
                yield path


def clips_to_keep(session: Session, node: str) -> list[str]:
    """The clips of a node's detections that somebody has marked or judged."""
    query = _of_valued(DetectionRow.clip, node, DetectionRow.clip.is_not(None))
    return [clip for clip in session.scalars(query) if clip is not None]


def recordings_to_keep(session: Session, node: str) -> list[str]:
    """The recordings of a node in which detections lie that somebody has marked or judged, and that have no clip."""
    heard, file = DetectionRow, RecordingRow
    overlaps = and_(
        file.source_id == ChannelRow.source_id,
        type_coerce(file.start, BigInteger) > type_coerce(heard.start, BigInteger) - _LONGEST_FILE_US,
        file.start < heard.end,
        file.end > heard.start,
    )
    return list(session.scalars(_of_valued(file.path, node, heard.clip.is_(None)).join(file, overlaps).distinct()))


def _of_valued(column: InstrumentedAttribute[Any], node: str, condition: ColumnElement[bool]) -> Select[Any]:
    """A query for a column, over the detections of a node that somebody has marked or judged."""
    row = DetectionRow
    return (
        select(column)
        .select_from(row)
        .join(ChannelRow, ChannelRow.id == row.channel_id)
        .join(SourceRow, SourceRow.id == ChannelRow.source_id)
        .join(NodeRow, NodeRow.id == SourceRow.node_id)
        .where(NodeRow.name == node, condition, or_(row.is_marked, row.verdict.is_not(None)))
    )
