"""Which detections a sink wants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date

from tidzam.config.sink_base import DetectionFilter
from tidzam.patterns import matches
from tidzam.results import Detection, DetectionChange


def covers(wanted: DetectionFilter, change: DetectionChange) -> bool:
    """Whether a detection is wanted. One on several channels is, if one of them is."""
    found = change.detection
    return (
        found.peak_probability >= wanted.min_probability
        and any(matches(label, wanted.classes) for label in found.path)
        and (not wanted.channels or any(matches(channel, wanted.channels) for channel in found.channel_names))
    )


def covers_class(wanted: DetectionFilter, channel: str, path: Sequence[str], probability: float) -> bool:
    """Whether the class at the end of `path`, in a window of `channel`, is wanted."""
    return (
        probability >= wanted.min_probability
        and any(matches(label, wanted.classes) for label in path)
        and (not wanted.channels or matches(channel, wanted.channels))
    )


def utc_day(found: Detection) -> date:
    """The day in UTC on which a detection started."""
    return found.start.astimezone(UTC).date()
