"""Detections as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from console.services.exports.selected import Batch
from tidzam.store.lookups import SEPARATOR
from tidzam.store.queries.detections import StoredDetection

COLUMNS: Final = (
    *("id", "start_utc", "end_utc", "start_local", "duration_s", "node", "source", "channel", "class", "model"),
    *("version", "peak_probability", "mean_probability", "windows", "level_dbfs", "day_part", "verdict"),
    *("other_class", "starred", "clip"),
)
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that spreadsheets compute."""

Row = Sequence[object]


def csv_table(batches: Iterable[Batch], zone: ZoneInfo) -> Iterator[bytes]:
    """All columns, with a header."""
    yield csv_lines([COLUMNS])
    for batch in batches:
        yield csv_lines(row_of(stored, other, zone) for stored, other in batch)


def row_of(stored: StoredDetection, other_class: tuple[str, ...] | None, zone: ZoneInfo) -> Row:
    """The cells of a detection."""
    return (
        stored.id,
        _time(stored.start),
        _time(stored.end),
        stored.start.astimezone(zone).isoformat(timespec="milliseconds"),
        (stored.end - stored.start).total_seconds(),
        cell(stored.node),
        cell(stored.source),
        cell(stored.channel),
        cell(SEPARATOR.join(stored.path)),
        cell(stored.model),
        cell(stored.version),
        stored.peak_probability,
        stored.mean_probability,
        stored.windows,
        stored.level_dbfs,
        stored.day_part,
        "" if stored.verdict is None else stored.verdict.name.lower(),
        cell(SEPARATOR.join(other_class or ())),
        int(stored.is_marked),
        cell(stored.clip or ""),
    )


def csv_lines(rows: Iterable[Row]) -> bytes:
    """Rows as lines of a CSV file (RFC 4180)."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def cell(text: str) -> str:
    """A text as a cell that no spreadsheet computes.

    >>> cell("wren"), cell("=1+1")
    ('wren', "'=1+1")
    """
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
