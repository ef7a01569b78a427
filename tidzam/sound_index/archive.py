"""Which recordings an index should hold: the newest ones for which there is room. The plan is pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from tidzam.sound_index.catalog import IndexedRecording
from tidzam.store.database import Store
from tidzam.store.tables.places import NodeRow, SourceRow
from tidzam.store.tables.recordings import RecordingRow

_AT_ONCE: Final = 1000
"""Rows that are read together."""


@dataclass(frozen=True)
class ArchivedRecording:
    """A complete recording of a source, as the store lists it."""

    source: str
    path: str
    start: datetime
    end: datetime
    channels: int
    bytes: int

    def windows(self, window_s: float) -> int:
        """About how many windows of all channels it has."""
        return self.channels * math.ceil((self.end - self.start).total_seconds() / window_s)


@dataclass(frozen=True)
class IndexingPlan:
    """What to do so that an index holds what it should: `remove` some recordings of its catalog, and index `add`, of
    which the first ones may have been begun: their numbers in the catalog are in `begun`."""

    remove: tuple[int, ...]
    add: tuple[ArchivedRecording, ...]
    begun: dict[ArchivedRecording, IndexedRecording]


def archived_recordings(store: Store, node: str, *, window_s: float, capacity: int) -> list[ArchivedRecording]:
    """The newest recordings of the sources of a node that the store lists, the newest first: as many as have
    `capacity` windows together. Raises StoreError."""
    row = RecordingRow
    query = (
        select(SourceRow.name, row.path, row.start, row.end, row.channels, row.bytes)
        .join(SourceRow, SourceRow.id == row.source_id)
        .join(NodeRow, NodeRow.id == SourceRow.node_id)
        .where(NodeRow.name == node)
        .order_by(row.start.desc(), SourceRow.name.desc(), row.path.desc())
        .execution_options(yield_per=_AT_ONCE)
    )
    found, total = list[ArchivedRecording](), 0
    with store.read() as session:
        for values in session.execute(query):
            one = ArchivedRecording(*values)
            total += one.windows(window_s)
            if total > capacity:
                break
            found.append(one)
    return found


def plan_indexing(
    archive: Iterable[ArchivedRecording], indexed: Sequence[IndexedRecording], *, window_s: float, capacity: int
) -> IndexingPlan:
    """What brings an index from the recordings that are `indexed` to the newest of the `archive`, of which it may hold
    `capacity` windows. Recordings whose size has changed are indexed again; the newest are indexed first."""
    wanted: dict[tuple[str, str], ArchivedRecording] = {}
    total = 0
    for one in sorted(archive, key=lambda one: (one.start, one.source, one.path), reverse=True):
        total += one.windows(window_s)
        if total > capacity:
            break
        wanted[one.source, one.path] = one
    known = {(one.source, one.path): one for one in indexed}
    kept = {key: one for key, one in known.items() if key in wanted and wanted[key].bytes == one.bytes}
    todo = [one for key, one in wanted.items() if key not in kept or not kept[key].is_complete]
    return IndexingPlan(
        remove=tuple(one.id for key, one in known.items() if key not in kept),
        add=tuple(todo),
        begun={one: kept[one.source, one.path] for one in todo if (one.source, one.path) in kept},
    )
