"""The values that flow through the analyzer, from samples to what was heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the wire and the command line know these values, and have no use for NumPy
    from tidzam.audio.features import Float32


class ChannelState(StrEnum):
    """What keeps a channel from being heard in full. `narrow_band`: its source lacks the band of some classifiers."""

    LISTENING = "listening"
    NARROW_BAND = "narrow_band"


@dataclass(frozen=True)
class WindowBatch:
    """Windows of several channels that start at the same moment.

    `samples` has shape (len(channels), n), values in -1…1 at `rate_hz`. `start_frame` counts the frames of the
    JACK server, or of the file. `gap_frames` says how many frames of each window were lost and hold zeros.
    """

    channels: tuple[str, ...]
    samples: Float32
    rate_hz: int
    start_frame: int
    start: datetime
    gap_frames: tuple[int, ...]


@dataclass(frozen=True)
class Analysis:
    """What was heard in one window of one channel.

    `probabilities` holds every class of the cascade that was asked, children multiplied by their parents. `result`
    is the decision: the deepest classes that reach their threshold, likeliest first, or ("unknown",).
    """

    channel: str
    start: datetime
    end: datetime
    start_frame: int
    result: tuple[str, ...]
    probabilities: Mapping[str, float]
    level_dbfs: float
    gap_frames: int


@dataclass(frozen=True)
class Detection:
    """Consecutive windows of one channel whose decisions hold the same class."""

    id: str
    channel: str
    label: str
    path: tuple[str, ...]
    start: datetime
    end: datetime
    peak_probability: float
    mean_probability: float
    windows: int
