"""Removes rows as far as the settings say, in small transactions between which others write.

What a person has marked or judged stays, and so do the counts of detections, which then say what was heard and not what
is still there.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, select, union
from sqlalchemy.orm import InstrumentedAttribute

from tidzam.config.retention import StoreRetentionSettings
from tidzam.store.database import Store
from tidzam.store.space import bytes_to_free, store_space
from tidzam.store.tables.accounts import AuditRow
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.jobs import JobRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow
from tidzam.store.tables.recordings import GapRow, LoadedRow

BATCH: Final = 500
"""Rows in one transaction: SQLite lets nobody else write meanwhile."""
PAUSE_S: Final = 0.05
"""Seconds between two transactions. Who waits for SQLite's lock looks again at intervals of up to 0.1 s."""
SAFE: Final = timedelta(days=7)
"""How long detections stay although the store takes too much space: something else may be what fills the disk."""


@dataclass(frozen=True)
class RemovedRows:
    """How many rows were removed."""

    detections: int = 0
    gaps: int = 0
    jobs: int = 0
    audit: int = 0


@dataclass(frozen=True)
class _RemovableRows:
    """Rows of a table by their `key` and `time`. Those that fulfill `conditions` may be removed."""

    key: InstrumentedAttribute[int]
    time: InstrumentedAttribute[Any]
    conditions: tuple[ColumnElement[bool], ...] = ()


class StoreRetention:
    """The retention of what the node called `node` has in the store, and of the audit log."""

    def __init__(self, store: Store, settings: StoreRetentionSettings, *, node: str) -> None:
        self._store, self._settings = store, settings
        self._node_id = select(NodeRow.id).where(NodeRow.name == node).scalar_subquery()

    def apply(self, *, now: datetime, stop: threading.Event) -> RemovedRows:
        """Remove what is too old by `now` or too much, until that is done or `stop` is set. May take long.

        Raises StoreError (`store_unreachable`); what was removed until then stays so.
        """
        settings, gap, loaded, job = self._settings, GapRow, LoadedRow, JobRow
        gaps = _RemovableRows(gap.id, gap.start, (gap.node_id == self._node_id,))
        intervals = _RemovableRows(loaded.id, loaded.start, (loaded.node_id == self._node_id,))
        jobs = _RemovableRows(job.id, job.ended, (job.node_id == self._node_id,))
        return RemovedRows(
            detections=self._remove_detections(now, stop),
            gaps=sum(self._remove_old(rows, settings.gaps_days, now, stop) for rows in (gaps, intervals)),
            jobs=self._remove_old(jobs, settings.jobs_days, now, stop),
            audit=self._remove_old(_RemovableRows(AuditRow.id, AuditRow.time), settings.audit_days, now, stop),
        )

    def _remove_old(self, rows: _RemovableRows, days: float | None, now: datetime, stop: threading.Event) -> int:
        return 0 if days is None else self._remove(rows, [rows.time < now - timedelta(days=days)], stop)

    def _remove_detections(self, now: datetime, stop: threading.Event) -> int:
        channels = self._channels()
        removed = sum(
            self._remove_old(_detections(DetectionRow.channel_id == channel), self._settings.detections_days, now, stop)
            for channel in channels
        )
        own = _detections(DetectionRow.channel_id.in_(channels))
        removed += self._remove(own, [], stop, limit=self._surplus(channels))
        while self._takes_too_much() and not stop.is_set():
            some = self._remove(own, [DetectionRow.start < now - SAFE], stop, limit=BATCH)
            removed += some
            if not some:
                break
        return removed

    def _surplus(self, channels: Sequence[int]) -> int:
        """How many detections of the node there are too many. Those that stay in any case do not count: else the newest
        would be removed for them."""
        most = self._settings.detections_max
        if most is None:
            return 0
        row = DetectionRow
        stays = (row.is_marked, row.verdict.is_not(None), row.is_open)
        kept = union(*(select(row.id).where(one, row.channel_id.in_(channels)) for one in stays)).subquery()
        counts = [select(func.count()).select_from(row).where(row.channel_id == channel) for channel in channels]
        with self._store.read() as session:
            stored = sum(session.scalar(count) or 0 for count in counts)
            return max(0, stored - (session.scalar(select(func.count()).select_from(kept)) or 0) - most)

    def _takes_too_much(self) -> bool:
        if not self._settings.limits_bytes:
            return False
        space = store_space(self._store)
        return space is not None and bytes_to_free(space, self._settings) > 0

    def _channels(self) -> Sequence[int]:
        """The channels of the node."""
        query = select(ChannelRow.id).join(SourceRow, SourceRow.id == ChannelRow.source_id)
        with self._store.read() as session:
            return session.scalars(query.where(SourceRow.node_id == self._node_id)).all()

    def _remove(
        self,
        rows: _RemovableRows,
        wanted: list[ColumnElement[bool]],
        stop: threading.Event,
        *,
        limit: int | None = None,
    ) -> int:
        """Remove the rows that are `wanted` and may be removed, the oldest first, at most `limit`."""
        removed, key = 0, rows.key
        query = select(key, rows.time).where(*wanted, *rows.conditions).order_by(rows.time)
        since: list[ColumnElement[bool]] = []
        while not stop.is_set() and (limit is None or removed < limit):
            batch = BATCH if limit is None else min(BATCH, limit - removed)
            with self._store.read() as session:
                found = session.execute(query.where(*since).limit(batch)).all()
            if not found:
                break
            numbers = [number for number, _ in found]
            with self._store.write() as session:  # somebody may have marked one of them since it was found
                done = session.execute(delete(key.class_).where(key.in_(numbers), *rows.conditions))
                removed += done.rowcount  # type: ignore[attr-defined]  # of a DELETE, it is a CursorResult
            since = [rows.time >= found[-1][1]]  # what stays before that need not be looked at again
            stop.wait(PAUSE_S)
        return removed


def _detections(of: ColumnElement[bool]) -> _RemovableRows:
    row = DetectionRow
    return _RemovableRows(row.id, row.start, (of, ~row.is_marked, row.verdict.is_(None), ~row.is_open))
