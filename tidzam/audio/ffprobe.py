"""The output of ffprobe, parsed: what the first audio stream of a file or an address is."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ProbedStream:
    """The first audio stream, None for what ffprobe does not know. `has_frame`: a frame of it could be decoded.

    `stream_duration_s` is stated by the stream, `duration_s` by its container, whose format is `container` (such as
    `mov,mp4,m4a`). Both are None for a stream without an end.
    """

    rate_hz: int | None
    channels: int | None
    stream_duration_s: float | None
    duration_s: float | None
    container: str
    has_frame: bool


def parse_ffprobe(output: bytes) -> ProbedStream | None:
    """Parse ffprobe's JSON; None if there is no audio stream. Raises ValueError if it is not ffprobe's JSON."""
    try:
        found: dict[str, Any] = dict(json.loads(output))
        container = dict(found.get("format") or {})
        streams, frames = list(found.get("streams") or []), list(found.get("frames") or [])
        if not streams:
            return None
        stream = dict(streams[0])
    except TypeError as error:
        raise ValueError(f"not the output of ffprobe: {error}") from None
    return ProbedStream(
        rate_hz=_count(stream.get("sample_rate")),
        channels=_count(stream.get("channels")),
        stream_duration_s=_seconds(stream.get("duration")),
        duration_s=_seconds(container.get("duration")),
        container=str(container.get("format_name", "")),
        has_frame=bool(frames),
    )


def parse_duration(output: bytes) -> float | None:
    """The container's duration in ffprobe's JSON, in seconds; None for a stream without an end, and if unreadable."""
    try:
        return _seconds(dict(json.loads(output)["format"]).get("duration"))
    except (LookupError, TypeError, ValueError):
        return None


def _count(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _seconds(value: Any) -> float | None:
    """A duration; None for `N/A`, which ffprobe prints for a stream without an end, and for other invalid values."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < math.inf else None
