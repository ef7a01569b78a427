"""Writes recordings, gaps, and when sources were loaded: each once, however often it is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, func
from sqlalchemy.orm import Session

from tidzam.store.lookups import NameTables
from tidzam.store.records import GapRecord, LoadedRecord, RecordingRecord, RemovedRecordingsRecord
from tidzam.store.tables.recordings import GapRow, LoadedRow, RecordingRow
from tidzam.store.upsert import insert_into, insert_missing, table_of

_KEY = ("source_id", "path")
_GROUP: Final = 1000
"""Paths in one statement: databases limit its parameters, SQLite to 32,766 and PostgreSQL to 65,535."""


def write_recordings(session: Session, names: NameTables, records: Sequence[RecordingRecord]) -> None:
    """Write files; one that is known is replaced. What is known of its loudness is kept if it is not reported."""
    rows: dict[tuple[int, str], Mapping[str, Any]] = {}
    for one in records:
        source = names.source(one.node, one.source)
        rows[source, one.path] = {"source_id": source, **one.model_dump(exclude={"node", "kind", "source"})}
    statement = insert_into(session, RecordingRow)
    new, known = statement.excluded, table_of(RecordingRow).c
    changed: dict[str, Any] = {name: new[name] for name in ("start", "end", "channels", "bytes", "is_segment")}
    changed |= {name: func.coalesce(new[name], known[name]) for name in ("max_amp", "section_peaks")}
    session.execute(statement.on_conflict_do_update(index_elements=_KEY, set_=changed), list(rows.values()))


def remove_recordings(session: Session, names: NameTables, records: Sequence[RemovedRecordingsRecord]) -> None:
    """Remove files from the store that exist no more."""
    for one in records:
        row = RecordingRow
        mine = row.source_id == names.source(one.node, one.source)
        for first in range(0, len(one.paths), _GROUP):
            session.execute(delete(row).where(mine, row.path.in_(one.paths[first : first + _GROUP])))


def write_gaps(session: Session, names: NameTables, records: Sequence[GapRecord]) -> None:
    """Write gaps that are not there yet."""
    rows = [{"node_id": names.node(one.node), **one.model_dump(exclude={"node", "kind"})} for one in records]
    insert_missing(session, GapRow, rows)


def write_loaded(session: Session, names: NameTables, records: Sequence[LoadedRecord]) -> None:
    """Write when sources were loaded, unless it is there."""
    rows = [{"node_id": names.node(one.node), **one.model_dump(exclude={"node", "kind"})} for one in records]
    insert_missing(session, LoadedRow, rows)
