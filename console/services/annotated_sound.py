"""The recordings that hold annotations, which no retention deletes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from console.services.sound_places import own_recordings
from tidzam.config import Settings
from tidzam.recorded_sound.folder import timed_recordings
from tidzam.store.tables.annotations import AnnotationRow
from tidzam.store.tables.places import ChannelRow, SourceRow
from tidzam.store.tables.recordings import RecordingRow

_State = tuple[object, ...]


class AnnotatedSound:
    """The recordings of what is annotated. They are looked for again when annotations or recordings have changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._state: _State | None = None
        self._names: frozenset[str] = frozenset()

    def recordings(self, session: Session) -> frozenset[str]:
        """Their files, as the store or the folder of their source names them."""
        state = _state(session)
        if state != self._state:
            self._names = frozenset(self._found(session))
            self._state = state
        return self._names

    def _found(self, session: Session) -> Iterator[str]:
        listed = set[int]()
        for number, path in session.execute(LISTED):
            listed.add(number)
            yield path
        row = AnnotationRow
        others = select(row.id, row.start, row.end, SourceRow.name).join(ChannelRow, ChannelRow.id == row.channel_id)
        for number, start, end, source in session.execute(others.join(SourceRow, SourceRow.id == ChannelRow.source_id)):
            if number not in listed:
                yield from self._unlisted(source, start, end)

    def _unlisted(self, source: str, start: datetime, end: datetime) -> Iterator[str]:
        """Recordings of a source of the profile that the store does not list: they may be older than it."""
        folder = own_recordings(self._settings, source)
        if folder is not None:
            yield from (str(file.path) for file in timed_recordings(folder.names(start, end), start))


def _listed() -> Select[int, str]:
    """The numbers of annotations, with the recordings of the store that they lie in. Of the recordings of a source, the
    last one that begins before an annotation is the first that may hold it."""
    row, file, before = AnnotationRow, RecordingRow, aliased(RecordingRow)
    mine = (before.source_id == ChannelRow.source_id, before.start <= row.start)
    last = select(func.max(before.start)).where(*mine).correlate(ChannelRow, row).scalar_subquery()
    holds = and_(
        file.source_id == ChannelRow.source_id,
        file.start >= func.coalesce(last, row.start),
        file.start < row.end,
        file.end > row.start,
    )
    return select(row.id, file.path).join(ChannelRow, ChannelRow.id == row.channel_id).join(file, holds)


LISTED: Final = _listed()


def _state(session: Session) -> _State:
    """Another one after each change of annotations, and for each new recording."""
    row = AnnotationRow
    annotations = select(func.count(), func.sum(row.version), func.max(row.id), func.max(row.changed))
    return (*session.execute(annotations.select_from(row)).one(), session.scalar(select(func.max(RecordingRow.id))))
