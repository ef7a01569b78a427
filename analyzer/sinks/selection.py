"""Which detections a sink wants."""

from __future__ import annotations

from tidzam.config.sink_base import DetectionFilter
from tidzam.patterns import matches
from tidzam.results import DetectionChange


def covers(wanted: DetectionFilter, change: DetectionChange) -> bool:
    """Whether a detection is wanted. One on several channels is, if one of them is."""
    found = change.detection
    return (
        found.peak_probability >= wanted.min_probability
        and any(matches(label, wanted.classes) for label in found.path)
        and (not wanted.channels or any(matches(channel, wanted.channels) for channel in found.channel_names))
    )
