"""What a valid annotation is. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tidzam.errors import RequestError
from tidzam.labels import UNKNOWN, clean_label, label_fault

LONGEST: Final = timedelta(days=1)
"""The maximum length of an annotation."""
HIGHEST_HZ: Final = 1_000_000.0
"""The maximum of a frequency bound."""
_YEARS: Final = range(1970, 2200)


@dataclass(frozen=True, kw_only=True)
class AnnotationContent:
    """What an annotation says: `tag` is heard from `start` to `end`, between two frequencies in Hz.

    A bound that is None is open: the sound is not said to end there.
    """

    start: datetime
    end: datetime
    tag: str
    low_hz: float | None = None
    high_hz: float | None = None


def checked(content: AnnotationContent) -> AnnotationContent:
    """`content` with its times in UTC and its tag in the one spelling of labels.

    Raises RequestError (`request`) with the field that is wrong.
    """
    start, end = _utc(content.start, "start"), _utc(content.end, "end")
    if end <= start:
        raise _fault("end", "it is not after start", "Expected a later time.")
    if end - start > LONGEST:
        raise _fault(
            "end", f"the annotation is {(end - start) / timedelta(hours=1):.1f} h long", "Expected up to 24 h."
        )
    _check_bounds(content.low_hz, content.high_hz)
    return replace(content, start=start, end=end, tag=checked_tag(content.tag))


def checked_tag(text: str, *, field: str = "tag") -> str:
    """`text` as a tag: a label, but not `unknown`. Raises RequestError (`request`)."""
    tag = clean_label(text)
    if tag == UNKNOWN:
        raise _fault(field, f"{UNKNOWN!r} stands for whatever is not recognized", "Choose another name.")
    if reason := label_fault(tag):
        raise _fault(field, f"it {reason}", "Expected a name, such as wren.")
    return tag


def _check_bounds(low_hz: float | None, high_hz: float | None) -> None:
    for field, value in (("low_hz", low_hz), ("high_hz", high_hz)):
        if value is not None and not 0 <= value <= HIGHEST_HZ:
            raise _fault(field, f"{value:g} Hz is not possible", f"Expected from 0 to {HIGHEST_HZ:.0f} Hz, or null.")
    if low_hz is not None and high_hz is not None and low_hz >= high_hz:
        raise _fault("low_hz", f"{low_hz:g} Hz is not below high_hz, {high_hz:g} Hz", "Exchange the two.")


def _utc(time: datetime, field: str) -> datetime:
    if time.tzinfo is None:
        raise _fault(field, "it has no time zone", "Expected for example 2026-05-01T06:30:00Z.")
    if time.year not in _YEARS or not math.isfinite(time.timestamp()):
        raise _fault(field, f"{time.year} is not possible", "Expected a year from 1970 to 2199.")
    return time.astimezone(UTC)


def _fault(field: str, reason: str, hint: str) -> RequestError:
    return RequestError(f"{field}: {reason}.", hint=hint, code="request", field=field)
