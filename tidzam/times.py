"""Times as clients and file names write them. All are UTC unless they state a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[-T ](\d\d)[-:](\d\d)[-:](\d\d)(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)


def parse_time(text: str) -> datetime:
    """`YYYY-MM-DD-HH-MM-SS` or ISO 8601 as UTC, with or without a fraction of a second and a zone (`Z`, `+02:00`).

    Raises ValueError.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("expected a time in UTC as YYYY-MM-DD-HH-MM-SS")
    date, hour, minute, second, fraction, zone = found.groups()
    try:
        time = datetime.fromisoformat(f"{date}T{hour}:{minute}:{second}{(fraction or '.0').ljust(7, '0')}{zone or 'Z'}")
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such time; expected one in UTC as YYYY-MM-DD-HH-MM-SS") from None


def whole_seconds(time: datetime) -> str:
    """`YYYY-MM-DD-HH-MM-SS`, in UTC."""
    return time.astimezone(UTC).isoformat(timespec="seconds")[:19].replace("T", "-").replace(":", "-")
