"""Removes rows that are older than the settings say, in small transactions between which others write.

What a person has marked or judged stays, and so do the counts of detections, which then say what was heard and not what
is still there.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from tidzam.config.retention import StoreRetentionSettings
from tidzam.store.database import Store
from tidzam.store.tables.accounts import AuditRow
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow

BATCH: Final = 500
"""Rows in one transaction: SQLite lets nobody else write meanwhile."""
PAUSE_S: Final = 0.05
"""Seconds between two transactions. Who waits for SQLite's lock looks again at intervals of up to 0.1 s."""


@dataclass(frozen=True)
class RemovedRows:
    """How many rows were removed."""

    detections: int = 0
    audit: int = 0


class StoreRetention:
    """The retention of what the node called `node` has in the store, and of the audit log."""

    def __init__(self, store: Store, settings: StoreRetentionSettings, *, node: str) -> None:
        self._store, self._settings, self._node = store, settings, node

    def apply(self, *, now: datetime, stop: threading.Event) -> RemovedRows:
        """Remove what is too old by `now`, until that is done or `stop` is set. May take long.

        Raises StoreError (`store_unreachable`); what was removed until then stays so.
        """
        return RemovedRows(
            detections=self._remove_detections(self._settings.detections_days, now, stop),
            audit=self._remove_audit(self._settings.audit_days, now, stop),
        )

    def _remove_detections(self, days: float | None, now: datetime, stop: threading.Event) -> int:
        if days is None:
            return 0
        row, before = DetectionRow, now - timedelta(days=days)
        return sum(
            self._remove(
                row.id,
                row.start,
                [row.channel_id == channel, row.start < before],
                removable=[~row.is_marked, row.verdict.is_(None), ~row.is_open],
                stop=stop,
            )
            for channel in self._channels()
        )

    def _remove_audit(self, days: float | None, now: datetime, stop: threading.Event) -> int:
        if days is None:
            return 0
        return self._remove(AuditRow.id, AuditRow.time, [AuditRow.time < now - timedelta(days=days)], [], stop)

    def _channels(self) -> Sequence[int]:
        """The channels of the node."""
        query = select(ChannelRow.id).join(SourceRow, SourceRow.id == ChannelRow.source_id)
        query = query.join(NodeRow, NodeRow.id == SourceRow.node_id).where(NodeRow.name == self._node)
        with self._store.read() as session:
            return session.scalars(query).all()

    def _remove(
        self,
        key: InstrumentedAttribute[int],
        time: InstrumentedAttribute[datetime],
        too_old: list[ColumnElement[bool]],
        removable: list[ColumnElement[bool]],
        stop: threading.Event,
    ) -> int:
        """Remove the rows that are `too_old` and fulfill all conditions `removable`, the oldest first."""
        removed, conditions = 0, [*too_old, *removable]
        query = select(key, time).where(*conditions).order_by(time).limit(BATCH)
        since: list[ColumnElement[bool]] = []
        while not stop.is_set():
            with self._store.read() as session:
                found = session.execute(query.where(*since)).all()
            if not found:
                break
            with self._store.write() as session:  # somebody may have marked one of them since it was found
                done = session.execute(delete(key.class_).where(key.in_([number for number, _ in found]), *removable))
                removed += done.rowcount  # type: ignore[attr-defined]  # of a DELETE, it is a CursorResult
            since = [time >= found[-1][1]]  # what stays before that need not be looked at again
            stop.wait(PAUSE_S)
        return removed
