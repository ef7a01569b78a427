"""The values that flow through the analyzer, from samples to detections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the wire and the command line import this module and must not load NumPy
    from tidzam.types import Float32


class ChannelState(StrEnum):
    """Whether all classifiers run on a channel. `band_limited`: its source lacks the band of some of them."""

    LISTENING = "listening"
    BAND_LIMITED = "band_limited"


@dataclass(frozen=True)
class WindowBatch:
    """Windows of several channels that start at the same frame.

    `samples` has shape (len(channels), n), values in -1…1 at `rate_hz`. `start_frame` counts the frames of the
    JACK server, or of the file. `starts` holds the time at which each channel's window begins: a source that replays
    a recording has its own clock. `gap_frames` counts the frames of each window that were lost and hold zeros.
    `source_rates_hz` holds the rate of each channel's source before it was resampled, None where it is unknown; it may
    be left empty.
    """

    channels: tuple[str, ...]
    samples: Float32
    rate_hz: int
    start_frame: int
    starts: tuple[datetime, ...]
    gap_frames: tuple[int, ...]
    source_rates_hz: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Analysis:
    """The result of one window of one channel.

    `probabilities` holds every class of the classifiers that ran, children multiplied by their parents. `scores` holds
    values by name that are not probabilities, in any range. `result` is the decision: the deepest classes that reach
    their threshold, likeliest first, or ("unknown",). `left_out` names the classifiers that should have run, but whose
    band the source lacks, or whose network failed on this window: then "unknown" may only mean that no classifier ran.
    `start_frame` counts frames of `rate_hz`; without a rate, only `start` and `end` locate the window.
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
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def start_s(self) -> float:
        """Start of the window in seconds of a clock that is never adjusted: by frames, if their rate is known."""
        return self.start_frame / self.rate_hz if self.rate_hz else self.start.timestamp()

    @property
    def duration_s(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True)
class Detection:
    """Consecutive windows of one channel whose decisions hold the same class.

    `id` is unique across nodes and restarts, and stays the same while the detection lasts.
    """

    id: str
    channel: str
    label: str
    path: tuple[str, ...]
    start: datetime
    end: datetime
    peak_probability: float
    mean_probability: float
    windows: int


@dataclass(frozen=True)
class DetectionChange:
    """A change of a detection: it started, was extended by a window (update), or ended."""

    kind: Literal["start", "update", "end"]
    detection: Detection


@dataclass(frozen=True)
class AnalyzedBatch:
    """The windows of all channels at one time, an analysis per channel in the same order, and the detections changed.

    Detections of a channel that is missing from `batch` have ended. When the last channel has disappeared, or a file is
    over, a batch without channels carries the last ends.
    """

    batch: WindowBatch
    analyses: tuple[Analysis, ...]
    detections: tuple[DetectionChange, ...] = ()
