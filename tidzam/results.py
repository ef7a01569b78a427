"""The values that flow through the analyzer, from samples to what was heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the wire and the command line know these values, and have no use for NumPy
    from tidzam.types import Float32


class ChannelState(StrEnum):
    """Whether all classifiers run on a channel. `narrow_band`: its source lacks the band of some of them."""

    LISTENING = "listening"
    NARROW_BAND = "narrow_band"


@dataclass(frozen=True)
class WindowBatch:
    """Windows of several channels that start at the same moment.

    `samples` has shape (len(channels), n), values in -1…1 at `rate_hz`. `start_frame` counts the frames of the
    JACK server, or of the file. `gap_frames` says how many frames of each window were lost and hold zeros.
    `source_rates_hz` holds the rate of each channel's source before it was resampled, None where it is unknown; it may
    be left empty.
    """

    channels: tuple[str, ...]
    samples: Float32
    rate_hz: int
    start_frame: int
    start: datetime
    gap_frames: tuple[int, ...]
    source_rates_hz: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Analysis:
    """What was heard in one window of one channel.

    `probabilities` holds every class of the cascade that was asked, children multiplied by their parents. `result`
    is the decision: the deepest classes that reach their threshold, likeliest first, or ("unknown",).
    `left_out` names the classifiers that should have run, but whose band the source lacks, or whose network failed on
    this window: then "unknown" may only mean that no classifier ran. `start_frame` counts frames of `rate_hz`;
    without a rate, only `start` and `end` say where the window lies.
    """

    channel: str
    start: datetime
    end: datetime
    start_frame: int
    result: tuple[str, ...]
    probabilities: Mapping[str, float]
    level_dbfs: float
    gap_frames: int
    rate_hz: int | None = None
    state: ChannelState = ChannelState.LISTENING
    left_out: tuple[str, ...] = ()

    @property
    def start_s(self) -> float:
        """Where the window begins, in seconds of a clock that is never set: by frames, if their rate is known."""
        return self.start_frame / self.rate_hz if self.rate_hz else self.start.timestamp()

    @property
    def duration_s(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True)
class AnalyzedBatch:
    """The windows of all channels at one time, and an analysis per channel in the same order."""

    batch: WindowBatch
    analyses: tuple[Analysis, ...]


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
