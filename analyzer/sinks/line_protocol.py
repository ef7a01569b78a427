"""Detections in the line protocol of InfluxDB 2: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/

detection,channel=pond:out_0,class=birds-wren,node=garden,source=pond peak_probability=0.91,windows=3i … 1777617000…
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from tidzam.naming import source_of
from tidzam.protocol.analyzer import PROBABILITY_DIGITS
from tidzam.results import Detection

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def detection_line(found: Detection, *, node: str, measurement: str) -> str:
    """A detection that ended. Its time is its start in nanoseconds: written twice, it is the same point."""
    tags = {
        "channel": found.channel,
        "class": found.label,
        "node": node,
        "source": source_of(found.channel),
    }
    fields: dict[str, float | int] = {
        "peak_probability": round(float(found.peak_probability), PROBABILITY_DIGITS),
        "mean_probability": round(float(found.mean_probability), PROBABILITY_DIGITS),
        "duration_s": (found.end - found.start).total_seconds(),
        "windows": found.windows,
        "channels": len(found.channel_names),
    }
    if found.channels:
        fields["level_dbfs"] = round(float(found.channels[0].level_dbfs), 1)
    return line(measurement, tags, fields, found.start)


def line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, float | int], time: datetime) -> str:
    """A point. Tags without a value are left out; integers keep their type.

    >>> line("heard", {"class": "barn owl"}, {"level": 0.5, "windows": 3}, datetime(2026, 5, 1, tzinfo=UTC))
    'heard,class=barn\\\\ owl level=0.5,windows=3i 1777593600000000000'
    """
    name = _escaped(measurement, ", ")
    written = [f"{_escaped(key, ',= ')}={_escaped(value, ',= ')}" for key, value in sorted(tags.items()) if value]
    values = [f"{_escaped(key, ',= ')}={_number(value)}" for key, value in fields.items()]
    nanoseconds = (time - _EPOCH) // timedelta(microseconds=1) * 1000
    return f"{','.join([name, *written])} {','.join(values)} {nanoseconds}"


def _escaped(text: str, special: str) -> str:
    """Line breaks become spaces. A backslash at the end would escape what follows, and is left out."""
    plain = " ".join(text.splitlines()).rstrip("\\")
    return "".join(f"\\{character}" if character in special else character for character in plain)


def _number(value: float | int) -> str:
    return f"{value}i" if isinstance(value, int) else repr(value)
