"""Types of the settings about recordings: time zones and dates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator

from tidzam.times import parse_time


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; expected for example UTC or America/New_York") from None
    return name


TimeZoneName = Annotated[str, AfterValidator(_time_zone)]
"""A name of the IANA time zone database."""


def _date(value: object) -> object:
    """YAML reads some notations as a date already."""
    if isinstance(value, str):
        return parse_time(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


RecordingDate = Annotated[datetime, BeforeValidator(_date)]
"""A time as YYYY-MM-DD-HH-MM-SS or in ISO 8601; in UTC unless it states a zone."""
