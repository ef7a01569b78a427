"""The store after years: how fast pages find what they show, how fast detections are written, and what they take."""

from __future__ import annotations

import gc
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from sqlalchemy.orm import Session

from benchmarks.store_rows import CHANNELS, CLASSES, END, YEARS, fill, place_names
from tests.support.postgresql import PASSWORD, postgresql_cluster
from tidzam.config.store import StoreSettings
from tidzam.daytime import DayPart
from tidzam.store.database import Store, open_store
from tidzam.store.queries.counts import CountCriteria, counts_per_day, counts_per_hour, heard_classes, heat_map
from tidzam.store.queries.cursor import TimeCursor
from tidzam.store.queries.detections import DetectionCriteria, latest_detections
from tidzam.store.records import DetectionRecord
from tidzam.store.status import store_status
from tidzam.store.writer import StoreWriter

TITLE = "store: queries of pages, insert rate and size after five years"
WRITTEN: Final = 10_000
BATCH: Final = 500
_DAYS: Final = round(YEARS * 365.25)
_SERVER: Final = ("fsync=on", "shared_buffers=512MB", "work_mem=16MB", "max_wal_size=4GB")

Query = Callable[[Session, random.Random], object]


def run(
    say: Callable[[str], None], *, rows: str = "20000000", repeats: str = "100", databases: str = "sqlite,postgresql"
) -> dict[str, Any]:
    """Fill a store with detections of five years, then ask what pages ask, each with other parameters `repeats` times,
    and write new detections. The figures of queries are in milliseconds. 20 million detections take 15 GB of disk."""
    figures: dict[str, Any] = {"rows": int(rows), "classes": len(CLASSES), "channels": CHANNELS}
    for name in databases.split(","):
        with tempfile.TemporaryDirectory(prefix="tidzam-store-") as folder, _store(name, Path(folder)) as (store, made):
            say(f"{name}: generating {int(rows):,} detections")
            began_s = time.perf_counter()
            fill(store, int(rows))
            say(f"{name}: filled in {time.perf_counter() - began_s:.0f} s")
            status = store_status(store, made, Path(folder))
            figures[f"{name}_mb_per_million"] = status.size_bytes / int(rows)
            figures[f"{name}_rollup_rows"] = status.rows["detection_hours"] + status.rows["detection_days"]
            for title, query in QUERIES.items():
                p50_ms, p95_ms = _timed(store, query, int(repeats))
                say(f"{name}: {title}: p50 {p50_ms:.1f} ms, p95 {p95_ms:.1f} ms")
                figures[f"{name}_{title}_p95_ms"] = p95_ms
            figures[f"{name}_inserts_per_s"] = _insert_rate(store)
    return figures


@contextmanager
def _store(name: str, folder: Path) -> Iterator[tuple[Store, StoreSettings]]:
    """An empty store, and its settings."""
    if name == "sqlite":
        with open_store(StoreSettings(), folder) as store:
            yield store, StoreSettings()
        return
    with postgresql_cluster(_SERVER) as cluster:
        settings = StoreSettings(url=cluster.new_database(), password=SecretStr(PASSWORD))
        with open_store(settings, folder) as store:
            yield store, settings


def _timed(store: Store, query: Query, repeats: int) -> tuple[float, float]:
    """The median and the 95th percentile of a query in ms, the connection and the rows as values included."""
    draw, took_ms = random.Random(1), list[float]()
    gc.freeze()  # as the console does
    for _ in range(repeats):
        began_s = time.perf_counter()
        with store.read() as session:
            query(session, draw)
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
    draw = random.Random(2)
    for number in range(WRITTEN):
        node, source, channel = place_names(draw.randrange(CHANNELS))
        start = END + timedelta(seconds=number / 10)
        for is_open in (True, False):
            yield DetectionRecord(
                node=node,
                id=f"{channel}/{number}",
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


def _moment(draw: random.Random) -> datetime:
    return END - timedelta(days=draw.uniform(0, _DAYS))


def _one(draw: random.Random) -> list[int]:
    return [draw.randint(1, len(CLASSES))]


def _latest(session: Session, _: random.Random) -> object:
    return latest_detections(session, DetectionCriteria())


def _page(session: Session, draw: random.Random) -> object:
    return latest_detections(session, DetectionCriteria(), before=TimeCursor(_moment(draw), 0))


def _of_class(session: Session, draw: random.Random) -> object:
    return latest_detections(session, DetectionCriteria(classes=_one(draw)))


def _of_group(session: Session, draw: random.Random, *, group: str = "birds") -> object:
    classes = [number for number, path in enumerate(CLASSES, start=1) if path[0] == group]
    return latest_detections(session, DetectionCriteria(classes=classes), before=TimeCursor(_moment(draw), 0))


def _of_class_and_channel(session: Session, draw: random.Random) -> object:
    wanted = DetectionCriteria(classes=_one(draw), channels=[draw.randint(1, CHANNELS)])
    return latest_detections(session, wanted)


def _filtered(session: Session, draw: random.Random) -> object:
    day = datetime(*_moment(draw).timetuple()[:3], tzinfo=UTC)
    wanted = DetectionCriteria(
        since=day - timedelta(days=7), until=day, min_probability=0.95, min_duration_s=5, day_parts=[DayPart.DAWN]
    )
    return latest_detections(session, wanted)


def _rare(session: Session, draw: random.Random) -> object:
    return latest_detections(session, DetectionCriteria(min_probability=0.99999, day_parts=[DayPart.DUSK]))


def _days(draw: random.Random, days: int, **chosen: Any) -> CountCriteria:
    last = END.date() - timedelta(days=draw.randrange(_DAYS - days))
    return CountCriteria(first=last - timedelta(days=days - 1), last=last, **chosen)


QUERIES: Final[dict[str, Query]] = {
    "latest": _latest,
    "older_page": _page,
    "class": _of_class,
    "group_of_classes": _of_group,
    "rare_group": lambda session, draw: _of_group(session, draw, group="insects"),
    "class_and_channel": _of_class_and_channel,
    "week_filtered": _filtered,
    "filter_without_result": _rare,
    "days_of_year": lambda session, draw: counts_per_day(session, _days(draw, 365)),
    "heat_map_of_class_year": lambda session, draw: heat_map(session, _days(draw, 365, classes=_one(draw))),
    "heat_map_of_all_90_days": lambda session, draw: heat_map(session, _days(draw, 90)),
    "hours_of_day_by_class": lambda session, draw: counts_per_hour(session, _days(draw, 2)),
    "species_of_month": lambda session, draw: heard_classes(session, _days(draw, 31)),
    "species_of_all_years": lambda session, draw: heard_classes(session, _days(draw, _DAYS - 1)),
}
"""What pages ask, by the name of its figure."""
