"""Detections of five years for the benchmark of the store: generated in bulk, in the order of time."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow
import pyarrow.csv
from sqlalchemy import Connection, text

from tidzam.store.base import to_microseconds
from tidzam.store.database import Store
from tidzam.store.lookups import NameTables
from tidzam.store.rollups import recount

END: Final = datetime(2026, 11, 1, tzinfo=UTC)
SPAN: Final = timedelta(days=5 * 365.25)
CHANNELS: Final = 8
CLASSES: Final = (
    *(("birds", f"bird_{number:02d}") for number in range(40)),
    *(("frogs", f"frog_{number:02d}") for number in range(10)),
    *(("insects", f"insect_{number:02d}") for number in range(8)),
    ("rain",),
    ("wind",),
)
_CHUNK: Final = 100_000
_HOUR_US: Final = 3_600_000_000
_UNCHECKED: Final = "SET LOCAL session_replication_role = replica"
"""PostgreSQL does not look up the row of each foreign key."""


def place_names(channel: int) -> tuple[str, str, str]:
    """The node, source and port of a channel."""
    return "garden", f"pond{channel // 4}", f"pond{channel // 4}:out_{channel % 4}"


def fill(store: Store, rows: int) -> None:
    """Fill an empty store with detections, and count them."""
    names = NameTables()
    names.learn_channels(store, map(place_names, range(CHANNELS)))
    names.learn_models(store, [("birds", "1"), ("", "")])
    names.learn_classes(store, CLASSES)
    classes = np.array([names.label_class(path) for path in CLASSES])
    channels = np.array([names.channel(*place_names(channel)) for channel in range(CHANNELS)])
    chunks = _chunks(rows, classes, channels, names.model("birds", "1"))
    _load_sqlite(store, chunks) if store.is_sqlite else _load_postgresql(store, chunks)
    _tidy(store)
    with store.write() as session:
        if not store.is_sqlite:
            session.execute(text(_UNCHECKED))
        recount(session)
    _tidy(store)


def _chunks(rows: int, classes: Any, channels: Any, model: int) -> Iterator[Mapping[str, list[Any]]]:
    """Columns of rows in the order of time. A few classes are heard often and most seldom (Zipf), by day more than by
    night."""
    rng = np.random.default_rng(1)
    share = 1 / np.arange(1, len(classes) + 1)
    end_us = to_microseconds(END)
    span_us = SPAN // timedelta(microseconds=1)
    for first in range(0, rows, _CHUNK):
        count = min(_CHUNK, rows - first)
        begin_us = end_us - span_us + span_us * first // rows
        start = np.sort(rng.integers(begin_us, begin_us + span_us * count // rows, count))
        length = rng.exponential(3e6, count).astype(np.int64) + 1_000_000
        peak = np.round(rng.beta(6, 2, count), 4)
        hour = start // _HOUR_US
        part = np.searchsorted([5, 8, 18, 21], hour % 24, side="right") % 4
        keys = os.urandom(16 * count)
        yield {
            "event_key": [keys[at : at + 16] for at in range(0, 16 * count, 16)],
            "channel_id": rng.choice(channels, count).tolist(),
            "class_id": rng.choice(classes, count, p=share / share.sum()).tolist(),
            "model_id": [model] * count,
            "start": start.tolist(),
            "end": (start + length).tolist(),
            "local_hour": hour.tolist(),
            "day_part": part.tolist(),
            "peak_probability": peak.tolist(),
            "mean_probability": np.round(peak * 0.9, 4).tolist(),
            "windows": (length // 1_000_000).tolist(),
            "level_dbfs": np.round(rng.uniform(-60, -10, count), 1).tolist(),
            "is_open": [False] * count,
            "clip": [f"bird/{first + at}.flac" if at % 10 == 0 else None for at in range(count)],
        }


def _load_sqlite(store: Store, chunks: Iterator[Mapping[str, list[Any]]]) -> None:
    """Insert the rows; indexes are made afterwards, which is faster."""
    found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'detections' AND sql IS NOT NULL"
    store.close()  # only the last connection may change the mode of the journal
    with store.writing_engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA cache_size = -1500000")
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        connection.exec_driver_sql("PRAGMA journal_mode = OFF")
        connection.exec_driver_sql("BEGIN")
        indexes = connection.exec_driver_sql(found).all()
        for name, _ in indexes:
            connection.exec_driver_sql(f"DROP INDEX {name}")
        for chunk in chunks:
            marks = ", ".join("?" for _ in chunk)
            statement = f"INSERT INTO detections ({_names(chunk)}) VALUES ({marks})"
            connection.exec_driver_sql(statement, list(zip(*chunk.values(), strict=True)))
        for _, sql in indexes:
            connection.exec_driver_sql(sql)
        connection.commit()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("BEGIN")
        connection.invalidate()  # its settings are not those of the others


def _load_postgresql(store: Store, chunks: Iterator[Mapping[str, list[Any]]]) -> None:
    """Copy the rows; indexes are made afterwards, which is faster."""
    with store.writing_engine.begin() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        connection.execute(text(_UNCHECKED))
        connection.execute(text("TRUNCATE detections CASCADE"))  # what is copied in this transaction needs no log
        made_again = _without_indexes(connection)
        driver: Any = connection.connection.driver_connection
        for chunk in chunks:
            table = pyarrow.table({**chunk, "event_key": [f"\\x{key.hex()}" for key in chunk["event_key"]]})
            lines = io.BytesIO()
            pyarrow.csv.write_csv(table, lines, pyarrow.csv.WriteOptions(include_header=False))
            with driver.cursor().copy(f"COPY detections ({_names(chunk)}) FROM STDIN (FORMAT csv)") as copy:
                copy.write(lines.getvalue())
        for statement in made_again:
            connection.execute(text(statement))


def _without_indexes(connection: Connection) -> list[str]:
    """Drop the indexes of the table, but for its key. Returns the statements that make them again."""
    constraints = connection.execute(
        text(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = 'detections'::regclass AND contype = 'u'"
        )
    ).all()
    for name, _ in constraints:
        connection.execute(text(f"ALTER TABLE detections DROP CONSTRAINT {name}"))
    indexes = connection.execute(
        text("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'detections' AND indexname NOT LIKE 'pk_%'")
    ).all()
    for name, _ in indexes:
        connection.execute(text(f"DROP INDEX {name}"))
    added = [f"ALTER TABLE detections ADD CONSTRAINT {name} {definition}" for name, definition in constraints]
    return [*(definition for _, definition in indexes), *added]


def _names(chunk: Mapping[str, list[Any]]) -> str:
    return ", ".join(f'"{name}"' for name in chunk)


def _tidy(store: Store) -> None:
    """What a server that runs does now and then."""
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if store.is_sqlite else "VACUUM ANALYZE")
