"""When sources were loaded, and when nothing of them could be heard, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tidzam.gaps.day_files import open_records
from tidzam.gaps.open_state import MAX_DEAD
from tidzam.gaps.records import Gap, GapReason, Loaded, Record
from tidzam.store.tables.places import NodeRow
from tidzam.store.tables.recordings import GapRow, LoadedRow

_LONGEST: Final = MAX_DEAD + timedelta(hours=1)
"""The length of the longest record: that of a node that was down."""


@dataclass(frozen=True)
class NodeLoaded:
    """An interval in which a source of a node was loaded."""

    node: str
    loaded: Loaded


@dataclass(frozen=True)
class NodeGap:
    """A gap of a node."""

    node: str
    gap: Gap


@dataclass(frozen=True)
class NodeLedger:
    """The gap ledger of this machine's node. The store knows what has ended; what is still open is in `folder`, or not
    known without one."""

    node: str
    folder: Path | None

    def open_records(self, now: datetime) -> list[Record]:
        """What is open at `now`, up to then; nothing if it cannot be read."""
        try:
            return [] if self.folder is None else open_records(self.folder, now)
        except OSError:
            return []


def ledger_records(
    session: Session, since: datetime, until: datetime, ledger: NodeLedger, *, now: datetime, node: str | None = None
) -> dict[str, list[Record]]:
    """The records that overlap a period, of each node or of one: what has ended, and of the ledger's node what is open
    at `now`, up to then."""
    found: dict[str, list[Record]] = defaultdict(list)
    for loaded in loaded_between(session, since, until, node=node):
        found[loaded.node].append(loaded.loaded)
    for gap in gaps_between(session, since, until, node=node):
        found[gap.node].append(gap.gap)
    if node in (None, ledger.node):
        found[ledger.node] += [one for one in ledger.open_records(now) if one.start < until and one.end > since]
    return found


def gaps_between(session: Session, since: datetime, until: datetime, *, node: str | None = None) -> list[NodeGap]:
    """The records of gaps that overlap a period, in the order of their starts; those of one node, or of all."""
    row = GapRow
    query = (
        select(NodeRow.name, row.channel, row.start, row.end, row.reason, row.count)
        .join(NodeRow, NodeRow.id == row.node_id)
        .where(row.start >= since - _LONGEST, row.start < until, row.end > since)
        .order_by(row.start, row.id)
    )
    if node is not None:
        query = query.where(NodeRow.name == node)
    return [*_known_gaps(session.execute(query))]


def loaded_between(session: Session, since: datetime, until: datetime, *, node: str | None = None) -> list[NodeLoaded]:
    """The records of loaded sources that overlap a period, in the order of their starts; of one node, or of all."""
    row = LoadedRow
    query = (
        select(NodeRow.name, row.source, row.channels, row.start, row.end)
        .join(NodeRow, NodeRow.id == row.node_id)
        .where(row.start >= since - _LONGEST, row.start < until, row.end > since)
        .order_by(row.start, row.id)
    )
    if node is not None:
        query = query.where(NodeRow.name == node)
    found = session.execute(query)
    return [NodeLoaded(name, Loaded(source, channels, start, end)) for name, source, channels, start, end in found]


def _known_gaps(rows: Iterable[Any]) -> Iterator[NodeGap]:
    for node, channel, start, end, reason, count in rows:
        with suppress(ValueError):  # a reason of a later version
            yield NodeGap(node, Gap(channel, start, end, GapReason(reason), count))
