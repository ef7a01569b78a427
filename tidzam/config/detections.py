"""Settings of detections: how windows that agree are merged, and calls that several channels hear."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Section


class DetectionSettings(Section):
    """How windows become detections."""

    min_windows: int = Field(
        1, ge=1, le=1000, description="Number of windows that must agree before a detection is reported"
    )
    max_gap_s: float = Field(
        0.0,
        ge=0,
        le=3600,
        description="Seconds for which a class may be missing within a detection; its end is reported that much later",
    )
    hysteresis: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="A detection continues while the probability of its class is at most this much below its "
        "threshold, and at least half of it",
    )
    same_call_s: float = Field(
        1.0,
        ge=0,
        le=60,
        description="Detections of one class that begin within this many seconds on several channels of a source are "
        "one detection; 0 keeps channels apart",
    )
    max_arrival_ms: int = Field(
        500,
        ge=5,
        le=1000,
        description="Largest difference of arrival times between channels, in milliseconds: the largest distance of "
        "two microphones in meters, times 3",
    )
