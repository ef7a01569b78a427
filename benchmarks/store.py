"""The store after years: how fast pages find what they show, how fast detections are written, and what they take."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from pydantic import SecretStr

from benchmarks.store_other_rows import fill_other_tables
from benchmarks.store_queries import NODE, QUERIES, FilledStore, Query
from benchmarks.store_rows import CHANNELS, CLASSES, END, fill, place_names
from tests.support.postgresql import PASSWORD, kept_cluster
from tidzam.config import Settings
from tidzam.config.store import StoreSettings
from tidzam.errors import SetupError
from tidzam.store.database import Store, open_store
from tidzam.store.records import DetectionRecord
from tidzam.store.status import store_status
from tidzam.store.writer import StoreWriter

TITLE = "store: queries of pages, insert rate and size after five years"
WRITTEN: Final = 10_000
BATCH: Final = 500
_SERVER: Final = (
    *("fsync=on", "shared_buffers=512MB", "work_mem=16MB", "max_wal_size=4GB", "random_page_cost=1.1"),
    *("wal_level=minimal", "max_wal_senders=0"),  # what is copied into an empty table needs no log
)


def run(
    say: Callable[[str], None],
    *,
    rows: str = "20000000",
    repeats: str = "100",
    databases: str = "sqlite,postgresql",
    folder: str = "",
) -> dict[str, Any]:
    """Fill a store with what is in it after five years, then ask what pages ask, each with other parameters `repeats`
    times, and write new detections. The figures of queries are in milliseconds. 20 million detections take 15 GB of
    disk. In a `folder`, the stores are kept: they are filled once, and only measured the next time."""
    figures: dict[str, Any] = {"rows": int(rows), "classes": len(CLASSES), "channels": CHANNELS}
    with ExitStack() as stack:
        place = Path(folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="tidzam-store-")))
        for name in databases.split(","):
            with _opened(name, place / name) as (store, settings):
                _fill(say, store, place / name, int(rows))
                for title, figure in _measured(say, store, settings, int(rows), int(repeats)).items():
                    figures[f"{name}_{title}"] = figure
    return figures


@contextmanager
def _opened(name: str, folder: Path) -> Iterator[tuple[Store, Settings]]:
    """The store in a folder, and the settings of its node."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == "sqlite":
        with open_store(StoreSettings(), folder) as store:
            yield store, _settings(folder, StoreSettings())
        return
    with kept_cluster(folder, _SERVER) as cluster:
        address = cluster.address("test_1") if _mark(folder).exists() else cluster.new_database()
        settings = StoreSettings(url=address, password=SecretStr(PASSWORD))
        with open_store(settings, folder) as store:
            yield store, _settings(folder, settings)


def _settings(home: Path, store: StoreSettings) -> Settings:
    return Settings.model_validate({"home": home, "node": {"name": NODE}}).model_copy(update={"store": store})


def _mark(folder: Path) -> Path:
    """A file that says how many detections are in the store next to it, once it is filled."""
    return folder / "filled"


def _fill(say: Callable[[str], None], store: Store, folder: Path, rows: int) -> None:
    if _mark(folder).exists():
        if (known := int(_mark(folder).read_text())) != rows:
            raise SetupError(f"{folder} holds {known:,} detections, expected {rows:,}.", hint="Choose another folder.")
        return
    say(f"generating {rows:,} detections in {folder}")
    began_s = time.perf_counter()
    fill(store, rows)
    fill_other_tables(store, share=min(1.0, max(0.01, rows / 20_000_000)))
    _mark(folder).write_text(str(rows))
    say(f"filled in {time.perf_counter() - began_s:.0f} s")


def _measured(
    say: Callable[[str], None], store: Store, settings: Settings, rows: int, repeats: int
) -> dict[str, float]:
    status = store_status(store, settings.store, settings.home)
    figures: dict[str, float] = {"mb_per_million": status.size_bytes / rows}
    filled = FilledStore(store, settings, rows)
    for title, query in QUERIES.items():
        p50_ms, p95_ms = _timed(filled, query, repeats)
        say(f"{title}: p50 {p50_ms:.1f} ms, p95 {p95_ms:.1f} ms")
        figures |= {f"{title}_p50_ms": p50_ms, f"{title}_p95_ms": p95_ms}
    return figures | {"inserts_per_s": _insert_rate(store)}


def _timed(filled: FilledStore, query: Query, repeats: int) -> tuple[float, float]:
    """The median and the 95th percentile of a query in ms, the connection and the rows as values included."""
    draw, took_ms = Random(1), list[float]()
    gc.freeze()  # as the console does
    for _ in range(repeats):
        began_s = time.perf_counter()
        query(filled, draw)
        took_ms.append(1000 * (time.perf_counter() - began_s))
    took_ms.sort()
    return took_ms[len(took_ms) // 2], took_ms[min(len(took_ms) - 1, len(took_ms) * 95 // 100)]


def _insert_rate(store: Store) -> float:
    """Detections per second, each as a start and an end, in batches of a second of a busy node."""
    writer, records = StoreWriter(store), list(_new_detections())
    began_s = time.perf_counter()
    for first in range(0, len(records), BATCH):
        writer.write(records[first : first + BATCH])
    return WRITTEN / (time.perf_counter() - began_s)


def _new_detections() -> Iterator[DetectionRecord]:
    """Others than those of the last time."""
    draw, run = Random(2), os.urandom(4).hex()
    for number in range(WRITTEN):
        node, source, channel = place_names(draw.randrange(CHANNELS))
        start = END + timedelta(seconds=number / 10)
        for is_open in (True, False):
            yield DetectionRecord(
                node=node,
                id=f"{channel}/{run}/{number}",
                source=source,
                channel=channel,
                path=draw.choice(CLASSES),
                start=start,
                end=start + timedelta(seconds=1 if is_open else 3),
                peak_probability=0.9,
                mean_probability=0.8,
                windows=1 if is_open else 3,
                is_open=is_open,
            )
