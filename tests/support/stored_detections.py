"""Thousands of detections for tests of what the store answers and what the console shows."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from tests.support.store_records import detection
from tidzam.config.store import StoreSettings
from tidzam.daytime import DayPart
from tidzam.store.database import Store, open_store
from tidzam.store.records import DetectionRecord, LoadedRecord
from tidzam.store.writer import StoreWriter

BIRDS: Final = {
    "wren": (6, 7.5),
    "robin": (5, 6.25),
    "blackbird": (5, 5.0),
    "cuckoo": (7, 1.5),
    "reed warbler": (8, 4.0),
    "bittern": (4, 1.25),
}
"""The hour of the day when most are heard, and how many in that hour."""
SPECIES: Final = {
    **{("birds", name): habits for name, habits in BIRDS.items()},
    ("frogs", "tree frog"): (22, 6.0),
    ("frogs", "marsh frog"): (20, 3.0),
    ("insects", "cricket"): (23, 3.75),
    ("mammals", "red deer"): (3, 0.5),
}
GREENWICH: Final = ZoneInfo("UTC")
_PARTS: Final = ((5, DayPart.NIGHT), (7, DayPart.DAWN), (19, DayPart.DAY), (21, DayPart.DUSK), (24, DayPart.NIGHT))


def wetland(*, days: int, last: datetime, seed: int = 1, zone: ZoneInfo = GREENWICH) -> Iterator[DetectionRecord]:
    """The detections of ten species in a wetland, on four channels, over the days before `last`."""
    rng = random.Random(seed)
    for hour in range(24 * days, 0, -1):
        begin = last - timedelta(hours=hour)
        weather = random.Random(f"{seed} {begin:%Y%m%d}").choice((0.2, 0.5, 0.8, 1.0, 1.2, 1.5))
        for number, (path, (peak, rate)) in enumerate(SPECIES.items()):
            season = math.exp(-(((hour / 24 - 7 * number) / 40) ** 2))  # they arrive one after the other
            yield from _in_hour(rng, path, begin.astimezone(UTC), peak, rate * weather * season, zone)


def _in_hour(
    rng: random.Random, path: tuple[str, ...], begin: datetime, peak: int, rate: float, zone: ZoneInfo
) -> Iterator[DetectionRecord]:
    clock = begin.astimezone(zone).hour
    distance = min((clock - peak) % 24, (peak - clock) % 24)
    expected = rate * math.exp(-((distance / 2.2) ** 2))
    for _ in range(int(expected + rng.random())):
        start = begin + timedelta(seconds=rng.uniform(0, 3600))
        length = rng.choice((1, 2, 2, 3, 5, 9))
        probability = min(0.99, rng.betavariate(6, 2) * 0.55 + 0.45)
        yield detection(
            id=f"garden/{'/'.join(path)}/{start.isoformat()}/{rng.random()}",
            channel=f"pond:out_{rng.choice((0, 0, 0, 1, 1, 2, 3))}",
            path=path,
            start=start,
            end=start + timedelta(seconds=length),
            windows=2 * length,
            peak_probability=round(probability, 3),
            mean_probability=round(probability * 0.9, 3),
            time_zone=zone.key,
            day_part=next(part for end, part in _PARTS if start.astimezone(zone).hour < end),
            level_dbfs=round(rng.uniform(-52, -18), 1),
        )


def fill(store: Store, *, days: int, last: datetime, seed: int = 1, zone: ZoneInfo = GREENWICH) -> int:
    """Write the detections of `wetland` into a store. Returns how many there are."""
    records = _all_of_wetland(days, last, seed, zone)
    writer = StoreWriter(store)
    for first in range(0, len(records), 2000):
        writer.write(records[first : first + 2000])
    return len(records)


@cache
def _all_of_wetland(days: int, last: datetime, seed: int, zone: ZoneInfo) -> tuple[DetectionRecord, ...]:
    """The same for many tests."""
    return tuple(wetland(days=days, last=last, seed=seed, zone=zone))


def fill_loaded(store: Store, *, days: int, last: datetime) -> None:
    """Write that the source of `wetland` was loaded, but for two hours each noon."""
    ends = (last - timedelta(hours=hour) for hour in range(24 * days))
    records = [
        LoadedRecord(node="garden", source="pond", channels=4, start=end - timedelta(hours=1), end=end)
        for end in ends
        if end.hour not in (12, 13)
    ]
    StoreWriter(store).write(records)


def main(home: str, days: str) -> None:
    """Give a node detections up to the present, for screenshots."""
    last = datetime.now(UTC) - timedelta(minutes=2)
    with open_store(StoreSettings(), Path(home)) as store:
        print(fill(store, days=int(days), last=last))
        fill_loaded(store, days=int(days), last=last)


if __name__ == "__main__":
    main(*sys.argv[1:])
