"""Recordings of weeks, as the store lists them, for what the console shows of them; there are no files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from tidzam.config.store import StoreSettings
from tidzam.naming import recording_stem
from tidzam.recorded_sound.sections import SECTION_S, encode_peaks
from tidzam.store.database import open_store
from tidzam.store.records import RecordingRecord
from tidzam.store.writer import StoreWriter

HOUR_S: Final = 3600


def recordings(node: str, source: str, *, days: int, last: datetime, channels: int = 4) -> Iterator[RecordingRecord]:
    """A recording of each hour of the days before `last`, loud at dawn and dusk; some hours are missing."""
    rng = np.random.default_rng(1)
    end = last.replace(minute=0, second=0, microsecond=0)
    for number in range(24 * days, 0, -1):
        start = end - timedelta(hours=number)
        if rng.random() < 0.04:
            continue
        hours = start.hour + np.arange(HOUR_S // SECTION_S) * SECTION_S / HOUR_S
        level_db = -50 + 13 * np.exp(-(((hours - 6) / 1.7) ** 2)) + 8 * np.exp(-(((hours - 20) / 2) ** 2))
        level_db = level_db[:, None] + rng.normal(0, 2, (len(hours), channels))
        level_db += np.where(rng.random(level_db.shape) < 0.03, rng.uniform(6, 26, level_db.shape), 0)
        peaks = np.minimum(1, 10 ** (level_db / 20)).astype(np.float32)
        yield RecordingRecord(
            node=node,
            source=source,
            path=f"/past/{recording_stem(source, start)}.flac",
            start=start,
            end=start + timedelta(hours=1),
            channels=channels,
            bytes=1,
            max_amp=float(peaks.max()),
            section_peaks=encode_peaks(peaks),
        )


def main(home: str, node: str, source: str, days: str) -> None:
    """Give a node recordings up to the present, for screenshots."""
    with open_store(StoreSettings(), Path(home)) as store:
        StoreWriter(store).write(list(recordings(node, source, days=int(days), last=datetime.now(UTC))))


if __name__ == "__main__":
    main(*sys.argv[1:])
