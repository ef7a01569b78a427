"""Events of the analyzer as a node in a wetland sends them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from tidzam.protocol.analyzer import AnalysisEvent, DetectionEvent
from tidzam.protocol.spectrogram import BANDS, ChannelSpectrogram, SpectrogramEvent

NOW = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
PORT = "wetland:out_0"


def analysis(port: str = PORT, *, at_s: float = 0.0, window_s: float = 1.0, **changes: Any) -> AnalysisEvent:
    """A window in which a wren was heard."""
    start = NOW + timedelta(seconds=at_s)
    values: dict[str, Any] = {
        "source": port.partition(":")[0],
        "channel": port,
        "start": start,
        "end": start + timedelta(seconds=window_s),
        "result": ("wren",),
        "paths": (("birds", "wren"),),
        "predictions": {"birds": 0.9, "frogs": 0.05, "wren": 0.8, "rain": 0.04, "wind": 0.01},
        "level_dbfs": -31.5,
        "gap_frames": 0,
    }
    return AnalysisEvent.model_validate(values | changes)


def detection(number: int = 0, state: str = "start", **changes: Any) -> DetectionEvent:
    """The detection of a wren that began `number` seconds after NOW."""
    start = NOW + timedelta(seconds=number)
    values: dict[str, Any] = {
        "state": state,
        "id": f"marsh-{number}",
        "source": "wetland",
        "channel": PORT,
        "path": ("birds", "wren"),
        "start": start,
        "end": start + timedelta(seconds=1),
        "peak_probability": 0.91,
        "mean_probability": 0.9,
        "windows": 1,
    }
    return DetectionEvent.model_validate(values | changes)


def spectrogram(number: int = 0, *ports: str, columns: int = 10, value: int = 200) -> SpectrogramEvent:
    """Half of the bands are loud, for a second that begins `number` seconds after NOW."""
    column = bytes([value] * (BANDS // 2) + [1] * (BANDS // 2))
    encoded = base64.b64encode(column * columns).decode()
    start = NOW + timedelta(seconds=number)
    return SpectrogramEvent(
        highest_hz=12000.0,
        channels=tuple(
            ChannelSpectrogram(channel=port, start=start, column_s=1 / columns, columns=encoded)
            for port in ports or (PORT,)
        ),
    )
