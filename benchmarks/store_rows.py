"""Detections of five years for the benchmark of the store: generated in bulk, in the order of time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import text

from tidzam.store.base import to_microseconds
from tidzam.store.database import Store
from tidzam.store.lookups import NameTables
from tidzam.store.rollups import recount

END: Final = datetime(2026, 11, 1, tzinfo=UTC)
YEARS: Final = 5.0
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
_COLUMNS: Final = (
    *("event_key", "channel_id", "class_id", "model_id", "start", '"end"', "local_hour", "day_part"),
    *("peak_probability", "mean_probability", "windows", "level_dbfs", "is_open", "clip"),
)


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
    with store.write() as session:
        recount(session)
    if not store.is_sqlite:  # as autovacuum does in a server that runs
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _chunks(rows: int, classes: Any, channels: Any, model: int) -> Iterator[list[tuple[Any, ...]]]:
    """Rows in the order of time. A few classes are heard often and most seldom (Zipf), by day more than by night."""
    rng = np.random.default_rng(1)
    share = 1 / np.arange(1, len(classes) + 1)
    end_us = to_microseconds(END)
    span_us = round(YEARS * 365.25 * 24) * _HOUR_US
    for first in range(0, rows, _CHUNK):
        count = min(_CHUNK, rows - first)
        begin_us = end_us - span_us + span_us * first // rows
        start = np.sort(rng.integers(begin_us, begin_us + span_us * count // rows, count))
        length = rng.exponential(3e6, count).astype(np.int64) + 1_000_000
        peak = np.round(rng.beta(6, 2, count), 4)
        hour = start // _HOUR_US
        part = np.searchsorted([5, 8, 18, 21], hour % 24, side="right") % 4
        keys = os.urandom(16 * count)
        columns = (
            [keys[at : at + 16] for at in range(0, 16 * count, 16)],
            rng.choice(channels, count).tolist(),
            rng.choice(classes, count, p=share / share.sum()).tolist(),
            [model] * count,
            start.tolist(),
            (start + length).tolist(),
            hour.tolist(),
            part.tolist(),
            peak.tolist(),
            np.round(peak * 0.9, 4).tolist(),
            (length // 1_000_000).tolist(),
            np.round(rng.uniform(-60, -10, count), 1).tolist(),
            [False] * count,
            [f"bird/{first + at}.flac" if at % 10 == 0 else None for at in range(count)],
        )
        yield list(zip(*columns, strict=True))


def _load_sqlite(store: Store, chunks: Iterator[list[tuple[Any, ...]]]) -> None:
    marks = ", ".join("?" for _ in _COLUMNS)
    statement = f"INSERT INTO detections ({', '.join(_COLUMNS)}) VALUES ({marks})"
    with store.writing_engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA cache_size = -1000000")
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        connection.exec_driver_sql("BEGIN")
        for chunk in chunks:
            connection.exec_driver_sql(statement, chunk)
        connection.commit()
        connection.invalidate()  # its settings are not those of the others
    with store.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")


def _load_postgresql(store: Store, chunks: Iterator[list[tuple[Any, ...]]]) -> None:
    statement = f"COPY detections ({', '.join(_COLUMNS)}) FROM STDIN"
    with store.writing_engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        for chunk in chunks:
            with driver.cursor().copy(statement) as copy:
                for row in chunk:
                    copy.write_row(row)
