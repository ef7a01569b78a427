"""The values that flow through the analyzer, from samples to detections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from tidzam.labels import LabelTree
from tidzam.speech_times import SpeechStatement

if TYPE_CHECKING:  # the wire and the command line import this module and must not load NumPy
    from tidzam.types import Float32


class ChannelState(StrEnum):
    """Whether a channel holds all that the classifiers need. `band_limited`: its source lacks a part of their band."""

    LISTENING = "listening"
    BAND_LIMITED = "band_limited"


@dataclass(frozen=True)
class WindowBatch:
    """Windows of several channels that start at the same frame.

    `samples` has shape (len(channels), n), values in -1…1 at `rate_hz`. `start_frame` counts the frames of the
    JACK server, or of the file. `starts` holds the time at which each channel's window begins: a source that replays
    a recording has its own clock. `gap_frames` counts the frames of each window that were lost and hold zeros.
    `source_rates_hz` holds the rate of each channel's source before it was resampled, None where it is unknown; it may
    be left empty. `dated` says whether `starts` are dates; if not, they count from the epoch. `replaced` says of each
    channel whether some of its samples were no audio and are silent now; it may be left empty, too.

    A cascade whose classifiers have windows of several lengths analyzes the shortest ones, which the batch holds; they
    start at multiples of `hop_frames`, by default their length. `context`, shape (len(channels), m), m ≥ n, is the
    sound up to the end of the windows, for the longer ones: its last n frames are `samples`. Of each channel, only the
    last `heard_frames` of it are its own sound. `is_last` says that a stream of known end, a file, ends here.
    """

    channels: tuple[str, ...]
    samples: Float32
    rate_hz: int
    start_frame: int
    starts: tuple[datetime, ...]
    gap_frames: tuple[int, ...]
    source_rates_hz: tuple[int | None, ...] = ()
    dated: bool = True
    hop_frames: int = 0
    context: Float32 | None = None
    heard_frames: tuple[int, ...] = ()
    is_last: bool = False
    replaced: tuple[bool, ...] = ()

    @property
    def whole(self) -> tuple[bool, ...]:
        """For each channel, whether all of its window was heard: no frame is lost, past the end, or replaced."""
        replaced = self.replaced or (False,) * len(self.channels)
        return tuple(not gap and not wrong for gap, wrong in zip(self.gap_frames, replaced, strict=True))

    def without_context(self) -> WindowBatch:
        """The same windows alone, so that the sound before them can be released."""
        if self.context is None:
            return self
        return replace(self, samples=self.samples.copy(), context=None, heard_frames=())

    def rows(self, rows: slice) -> WindowBatch:
        """Some of the channels."""
        return replace(
            self,
            channels=self.channels[rows],
            samples=self.samples[rows],
            starts=self.starts[rows],
            gap_frames=self.gap_frames[rows],
            source_rates_hz=self.source_rates_hz[rows],
            context=None if self.context is None else self.context[rows],
            heard_frames=self.heard_frames[rows],
            replaced=self.replaced[rows],
        )


@dataclass(frozen=True)
class Analysis:
    """The result of one window of one channel.

    `probabilities` holds every class of the classifiers that ran, children multiplied by their parents. `scores` holds
    values by name that are not probabilities: those of novelty bundles, from 0 to 1, higher for unusual sound.
    `remainders` holds, for each class with subclasses whose classifier ran, the probability that it is not one of them,
    and under `unknown` that it is not a root of the tree.
    `result` is the decision: the deepest classes that reach their threshold, likeliest first, or ("unknown",).
    `left_out` names the classifiers that should have run, but whose band the source lacks, or whose network failed on
    this window: then "unknown" may only mean that no classifier ran. `start_frame` counts frames of `rate_hz`; without
    a rate, only `start` and `end` locate the window.

    In a cascade with windows of several lengths, this is one of the shortest. `ages_s` holds, for each classifier with
    longer windows whose outputs were carried from an earlier one, by how much earlier that ended. `waiting` names those
    whose windows are longer than what was heard of the channel so far.
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
    remainders: Mapping[str, float] = field(default_factory=dict)
    ages_s: Mapping[str, float] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()

    @property
    def start_s(self) -> float:
        """Start of the window in seconds of a clock that is never adjusted: by frames, if their rate is known."""
        return self.start_frame / self.rate_hz if self.rate_hz else self.start.timestamp()

    @property
    def duration_s(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True)
class DetectedChannel:
    """A channel on which a detection is heard.

    `level_dbfs` is the highest level of its windows. `arrival_s` is how much later than on the first channel of the
    detection the sound arrives; None where that cannot be measured.
    """

    channel: str
    level_dbfs: float
    arrival_s: float | None = None


@dataclass(frozen=True)
class Detection:
    """Consecutive windows whose decisions hold the same class, on one or several channels of a source.

    `id` is unique across nodes and restarts, and stays the same while the detection lasts; so does `channel`, the
    loudest one when it started. `channels` holds all, the loudest first. The probabilities and the number of `windows`
    are those of all channels together. `clip` is the file of the first clip that holds some of it, if one is kept,
    relative to the folder of clips. `peak_scores` holds the highest of the `Analysis.scores` of its windows, by name.
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
    channels: tuple[DetectedChannel, ...] = ()
    clip: str | None = None
    peak_scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """The names of all its channels, the loudest first."""
        return tuple(heard.channel for heard in self.channels) or (self.channel,)


def highest_scores(*scores: Mapping[str, float]) -> Mapping[str, float]:
    """The highest of the scores with the same name.

    >>> highest_scores({"pond": 0.4, "road": 0.5}, {"pond": 0.6})
    {'pond': 0.6, 'road': 0.5}
    """
    highest: dict[str, float] = {}
    for one in scores:
        highest |= {name: max(score, highest.get(name, score)) for name, score in one.items()}
    return highest


@dataclass(frozen=True)
class DetectionChange:
    """A change of a detection: it started, was extended by a window (update), or ended."""

    kind: Literal["start", "update", "end"]
    detection: Detection


@dataclass(frozen=True)
class LongerWindow:
    """The classifier of a class whose windows begin `before_s` ahead of those of its cascade."""

    classifier: str
    before_s: float


@dataclass(frozen=True)
class CascadeIdentity:
    """Which classifiers made a result: their names, the selector first, their classes, and their versions.

    `versions` holds, by classifier, the first 12 digits of the SHA-256 of its manifest, which names its networks by
    theirs. `longer` holds the classes of classifiers with longer windows than others, and `classifier_of` names the
    classifier of each class.
    """

    classifiers: tuple[str, ...]
    labels: LabelTree
    versions: Mapping[str, str]
    longer: Mapping[str, LongerWindow] = field(default_factory=dict)
    classifier_of: Mapping[str, str] = field(default_factory=dict)

    def earlier_s(self, analysis: Analysis, label: str) -> tuple[float, float]:
        """By how much the sound in which a class of `analysis` was recognized begins, and ends, before its window."""
        longer = self.longer.get(label)
        if longer is None:
            return 0.0, 0.0
        age_s = analysis.ages_s.get(longer.classifier, 0.0)
        return longer.before_s + age_s, age_s

    @property
    def earliest_s(self) -> float:
        """By how much any such sound begins before a window at most: results are carried until it lies before it."""
        return 2 * max((longer.before_s for longer in {*self.longer.values()}), default=0.0)


@dataclass(frozen=True)
class AnalyzedBatch:
    """The windows of all channels at one time, an analysis per channel in the same order, and the detections changed.

    Detections whose channels are all missing from `batch` have ended. When the last channel has disappeared, or a file
    is over, a batch without channels carries the last ends. `speech` is what is known about speech, None if nothing
    detects it. `cascade` made the analyses: it may differ from that of the batch before, when another cascade has taken
    over. None if it is not known.
    """

    batch: WindowBatch
    analyses: tuple[Analysis, ...]
    detections: tuple[DetectionChange, ...] = ()
    speech: SpeechStatement | None = None
    cascade: CascadeIdentity | None = None
