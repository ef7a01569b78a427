"""The records of the gap ledger, when a source was loaded and when a channel had no valid audio, as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from tidzam.naming import source_of

ALL: Final = "*"
"""As the channel of a gap: every channel of the node."""
_DAY: Final = timedelta(days=1)


class GapReason(StrEnum):
    """Why a channel had no valid audio. Where gaps overlap, time is attributed to the first of their reasons here."""

    NODE_DOWN = "node_down"
    """The stream manager was not running, or the machine was suspended."""
    JACK_DOWN = "jack_down"
    """The JACK server was away, or its cycles stood still."""
    SOURCE_DOWN = "source_down"
    """The source did not play: it was loading, waiting for a retry, or had failed."""
    RECORDING_MISSING = "recording_missing"
    """A replay by date met a hole in the recordings, which it skipped. Its times are those of the recordings: nothing
    is missing of the time in which the replay was heard."""
    SILENCE = "silence"
    """A live source sent only digital silence (samples of exactly zero)."""
    STUCK = "stuck"
    """A live source repeated the same buffer."""
    NETWORK = "network"
    """Data of a stream arrived too late."""
    UNDERRUN = "underrun"
    """A player did not deliver audio in time."""
    OVERRUN = "overrun"
    """Audio was dropped because it arrived faster than it was played."""
    XRUN = "xrun"
    """JACK, or its sound card, missed cycles."""
    CAPTURE = "capture"
    """The analyzer did not capture or analyze the channel."""


@dataclass(frozen=True)
class Gap:
    """An interval without valid audio. Times are aware and in UTC.

    `channel` is a JACK port, a source (all its channels) or `ALL`. A record may stand for several short gaps: `count`
    is their number and `end - start` their total length. It is 0 if the record continues a gap.
    """

    channel: str
    start: datetime
    end: datetime
    reason: GapReason
    count: int = 1

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    @property
    def is_past(self) -> bool:
        """Whether its times are those of recordings rather than those at which it was heard."""
        return self.reason is GapReason.RECORDING_MISSING

    def concerns(self, port: str) -> bool:
        """Whether it is a gap of the channel `port`."""
        return self.channel in (ALL, port, source_of(port))


@dataclass(frozen=True)
class Loaded:
    """An interval in which a source was loaded: sound of it was expected. `channels` is 0 while it is not known."""

    source: str
    channels: int
    start: datetime
    end: datetime


Record = Gap | Loaded


def encode(record: Record) -> bytes:
    """`record` as a line of JSON, with its end."""
    fields: dict[str, Any] = {"kind": type(record).__name__.lower()}
    if isinstance(record, Gap):
        fields |= {"channel": record.channel, "reason": record.reason.value}
    else:
        fields |= {"source": record.source, "channels": record.channels}
    fields |= {"start": encode_time(record.start), "end": encode_time(record.end)}
    if isinstance(record, Gap) and record.count != 1:
        fields["count"] = record.count
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Record:
    """The inverse of `encode`. Raises ValueError for anything else."""
    try:
        fields = json.loads(line)
        start, end = decode_time(fields["start"]), decode_time(fields["end"])
        if end < start:
            raise ValueError("the end lies before the start")
        if fields["kind"] == "gap":
            return Gap(str(fields["channel"]), start, end, GapReason(fields["reason"]), int(fields.get("count", 1)))
        if fields["kind"] == "loaded":
            return Loaded(str(fields["source"]), int(fields["channels"]), start, end)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a record: {error}") from None
    raise ValueError(f"unknown kind of record: {fields['kind']!r}")


def encode_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def decode_time(text: str) -> datetime:
    """Raises ValueError or TypeError."""
    return datetime.fromisoformat(text).astimezone(UTC)


def by_day(record: Record) -> Iterator[tuple[date, Record]]:
    """`record` cut at each midnight, UTC: the days and its parts. One without length has no part."""
    start, count = record.start, 1
    while start < record.end:
        end = min(record.end, midnight(start.date()) + _DAY)
        part = replace(record, start=start, end=end)
        if isinstance(part, Gap):
            part = replace(part, count=part.count * count)
        yield start.date(), part
        start, count = end, 0


def midnight(day: date) -> datetime:
    """The beginning of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
