"""Writes detections: each once, as it was last known, and the counts of them in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from tidzam.store.database import Store
from tidzam.store.local_time import local_hour
from tidzam.store.lookups import NameTables
from tidzam.store.records import DetectionRecord
from tidzam.store.rollups import DISCOUNTED, Bucket, bucket_of, count
from tidzam.store.tables.detections import DAY_PARTS, IS_OPEN, DetectionRow
from tidzam.store.tables.places import ChannelRow, SourceRow
from tidzam.store.upsert import insert_into, table_of

_CHANGING: Final = (
    *("channel_id", "class_id", "model_id", "start", "end", "local_hour", "day_part", "peak_probability"),
    *("mean_probability", "windows", "level_dbfs", "is_open", "clip", "channels"),
)
"""The columns that a later record of a detection changes."""


class DetectionWriter:
    """Writes records of detections, whose names it learns first."""

    def __init__(self, names: NameTables) -> None:
        self._names = names

    def learn(self, store: Store, records: Sequence[DetectionRecord]) -> None:
        """Make the rows that those of the detections refer to."""
        self._names.learn_channels(store, ((one.node, one.source, one.channel) for one in records))
        self._names.learn_models(store, ((one.model, one.version) for one in records))
        self._names.learn_classes(store, (one.path for one in records))

    def write(self, session: Session, records: Sequence[DetectionRecord]) -> None:
        """Write them in their order: of each detection, the last record counts."""
        values = {key: self._values(record) for key, record in _latest(records).items()}
        if not values:
            return
        added = _insert_missing(session, list(values.values()))
        before, after = _update(session, {key: row for key, row in values.items() if key not in added})
        count(session, [*(_bucket(values[key]) for key in added), *after], before)

    def end_all(self, session: Session, node: str) -> None:
        """Note that no detection of a node goes on."""
        row, source = DetectionRow, SourceRow
        channels = select(ChannelRow.id).join(source, source.id == ChannelRow.source_id)
        mine = row.channel_id.in_(channels.where(source.node_id == self._names.node(node)))
        session.execute(update(row).where(IS_OPEN, mine).values(is_open=False))

    def _values(self, record: DetectionRecord) -> dict[str, Any]:
        names, channels = self._names, [dict(one) for one in record.channels]
        return {
            "event_key": record.key,
            "channel_id": names.channel(record.node, record.source, record.channel),
            "class_id": names.label_class(record.path),
            "model_id": names.model(record.model, record.version),
            "start": record.start,
            "end": record.end,
            "local_hour": local_hour(record.start, ZoneInfo(record.time_zone)),
            "day_part": None if record.day_part is None else DAY_PARTS.index(record.day_part),
            "peak_probability": record.peak_probability,
            "mean_probability": record.mean_probability,
            "windows": record.windows,
            "level_dbfs": record.level_dbfs,
            "is_open": record.is_open,
            "clip": record.clip,
            "channels": channels or None,
        }


def _latest(records: Iterable[DetectionRecord]) -> Mapping[bytes, DetectionRecord]:
    """The last record of each detection, with the clip that an earlier one has named."""
    latest: dict[bytes, DetectionRecord] = {}
    for record in records:
        known = latest.get(record.key)
        if known is not None and record.clip is None and known.clip is not None:
            record = record.model_copy(update={"clip": known.clip})
        latest[record.key] = record
    return latest


def _insert_missing(session: Session, rows: Sequence[Mapping[str, Any]]) -> set[bytes]:
    """Insert the detections that are not there. Returns their keys.

    PostgreSQL waits here for a transaction that inserts one of them: a writer that was killed may still have one.
    """
    table = table_of(DetectionRow)
    statement = insert_into(session, DetectionRow).on_conflict_do_nothing(index_elements=["event_key"])
    return {*session.scalars(statement.returning(table.c.event_key), list(rows))}


def _update(session: Session, rows: Mapping[bytes, dict[str, Any]]) -> tuple[list[Bucket], list[Bucket]]:
    """Change the detections that are there already. Returns where they were and are counted now, if that differs."""
    if not rows:
        return [], []
    query = select(DetectionRow).where(DetectionRow.event_key.in_(rows)).order_by(DetectionRow.id).with_for_update()
    before: list[Bucket] = []
    after: list[Bucket] = []
    changes = []
    for known in session.scalars(query):
        row = rows[known.event_key]
        if _is_older(row, known):
            continue
        changes.append({**row, "clip": row["clip"] or known.clip, "known_id": known.id})
        bucket, new_bucket = bucket_of(known), _bucket(row)
        if known.verdict not in DISCOUNTED and bucket is not None and new_bucket != bucket:
            before.append(bucket)
            after.append(new_bucket)
    if changes:
        table = table_of(DetectionRow)
        values: dict[str, Any] = {name: bindparam(name) for name in _CHANGING}
        session.execute(update(table).where(table.c.id == bindparam("known_id")).values(values), changes)
    return before, after


def _is_older(row: Mapping[str, Any], known: DetectionRow) -> bool:
    """Whether a record says less than the store knows: it was written again after a later one."""
    return bool(row["windows"] < known.windows or (row["is_open"] and not known.is_open))


def _bucket(row: Mapping[str, Any]) -> Bucket:
    return Bucket(row["class_id"], row["local_hour"], row["channel_id"], row["model_id"])
