"""The measurement of the signal of a channel over a short time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FLOOR_DBFS: Final = -200.0
"""The level of digital silence, instead of minus infinity."""


@dataclass(frozen=True)
class SignalMeasurement:
    """One excerpt of a channel.

    `level_dbfs` and `hum_dbfs` are relative to a full-scale sine (AES17) and not below FLOOR_DBFS. `is_zero` is whether
    all samples are exactly zero. `clipped_share` is the share of samples in runs at full scale, `hum_share` that of the
    power above 20 Hz which lies in harmonics of the mains frequency, of level `hum_dbfs`. `bandwidth_hz` is the upper
    edge of the highest band of 500 Hz with content, 0 if the signal is too quiet. `repetition` is the highest
    correlation, up to 1, of the signal with itself at any delay of up to half of the excerpt; 0 for a pure tone.
    """

    level_dbfs: float
    is_zero: bool = False
    clipped_share: float = 0.0
    hum_share: float = 0.0
    hum_dbfs: float = FLOOR_DBFS
    bandwidth_hz: float = 0.0
    repetition: float = 0.0
