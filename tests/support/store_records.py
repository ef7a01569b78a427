"""Records for the store, as the analyzer and the stream manager make them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tidzam.store.records import DetectionRecord

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def detection(number: int = 1, **changes: Any) -> DetectionRecord:
    """The detection of a wren, `number` minutes after noon."""
    start = NOON + timedelta(minutes=number)
    values: dict[str, Any] = {
        "node": "garden",
        "id": f"garden/pond:out_0/wren/{start:%Y%m%dT%H%M%S.%f}/run-{number}",
        "source": "pond",
        "channel": "pond:out_0",
        "path": ("birds", "wren"),
        "start": start,
        "end": start + timedelta(seconds=2),
        "peak_probability": 0.9,
        "mean_probability": 0.8,
        "windows": 2,
        "model": "birds",
        "version": "0123456789ab",
    }
    return DetectionRecord(**(values | changes))
