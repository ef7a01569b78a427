"""The settings by which the health of a channel's signal is judged."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Section


class SignalHealthSettings(Section):
    """When the signal of a channel counts as silent, stuck, clipped, humming or narrow."""

    interval_s: float = Field(2.0, ge=0.5, description="Seconds between examinations of a channel")
    after_s: float = Field(30.0, ge=1, description="Seconds for which a fault must last until it is reported")
    quiet_dbfs: float = Field(
        -80.0, le=0, description="Quasi-silence: the level never exceeds this, in dB relative to a full-scale sine"
    )
    stuck_correlation: float = Field(
        0.98,
        gt=0,
        le=1,
        description="Stuck: the signal's correlation with an earlier piece of itself is at least this",
    )
    clipped_share: float = Field(
        0.001, gt=0, le=1, description="Clipping: this share of all samples is at full scale, at least 3 in a row"
    )
    hum_share: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Hum: harmonics of 50 or 60 Hz contain this share of the energy, at a constant level",
    )
    min_bandwidth_hz: float = Field(
        4500.0, ge=0, description="Narrow band: there is never anything at or above this frequency, in Hz"
    )
