"""Detections as Raven selection tables and Audacity label tracks, in seconds from the beginning of a sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from typing import Final

from console.services.exports.selected import Batch
from tidzam.store.lookups import SEPARATOR

_RAVEN: Final = (
    *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"),
    *("Begin Date Time", "Annotation", "Path of Classes", "Peak Probability", "Mean Probability"),
)


def audacity_labels(batches: Iterable[Batch], origin: datetime) -> Iterator[bytes]:
    """Lines of start, end and label, separated by tabs."""
    for batch in batches:
        cells = ((*_seconds(one.start, one.end, origin), _cell(one.path[-1])) for one, _ in batch)
        yield _lines(cells)


def raven_table(batches: Iterable[Batch], origin: datetime, rate_hz: int) -> Iterator[bytes]:
    """A selection per detection, from 0 Hz to half the sample rate: models do not say where in the band a sound is."""
    yield _lines([_RAVEN])
    numbers = count(1)
    for batch in batches:
        yield _lines(
            (
                str(next(numbers)),
                "Spectrogram 1",
                "1",
                *_seconds(one.start, one.end, origin),
                "0.0",
                f"{rate_hz / 2:.1f}",
                one.start.isoformat(timespec="milliseconds"),
                _cell(one.path[-1]),
                _cell(SEPARATOR.join(one.path)),
                f"{one.peak_probability:.4f}",
                f"{one.mean_probability:.4f}",
            )
            for one, _ in batch
        )


def _seconds(start: datetime, end: datetime, origin: datetime) -> tuple[str, str]:
    return f"{(start - origin).total_seconds():.6f}", f"{(end - origin).total_seconds():.6f}"


def _cell(text: str) -> str:
    """A text without what separates cells and lines."""
    return " ".join(text.split())


def _lines(rows: Iterable[tuple[str, ...]]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in rows).encode()
