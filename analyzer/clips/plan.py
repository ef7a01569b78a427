"""Which windows become clips, and from where to where these reach. Pure: no audio, no disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from tidzam.config.clips import ClipRule
from tidzam.naming import clip_stem
from tidzam.results import Analysis, Detection, WindowBatch

_RECENT: Final = 16
_JUMP_S: Final = 0.1
"""The time of a channel that differs by more from what its frames say has jumped: a recording is replayed."""

Chosen = Mapping[str, tuple[Analysis, tuple[str, ...]]]
"""The analysis of each channel, and the classes of it that may be kept."""

Wanted = Callable[[str, str, int], ClipRule | None]
"""From channel, class and row of the batch to the rule by which the window is kept, None if it is not."""


@dataclass(frozen=True, kw_only=True)
class PlannedClip:
    """A clip that will be cut: the frames from `start` to `end` of a channel, and the classes heard in it.

    `probabilities` holds the highest one of each class; the first class is the one by which it was chosen. `path` is
    relative to the folder of clips, without suffix. `bundles` holds the version of each classifier that chose it.
    """

    channel: str
    path: str
    start: int
    end: int
    start_time: datetime
    rate_hz: int
    probabilities: Mapping[str, float]
    rule: ClipRule
    epoch: int
    bundles: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return next(iter(self.probabilities))

    @property
    def end_time(self) -> datetime:
        return self.start_time + timedelta(seconds=(self.end - self.start) / self.rate_hz)


@dataclass(frozen=True)
class _Channel:
    """Where the unbroken audio of a channel begins and ends, and when its last window began."""

    since: int
    until: int
    last_start: int
    last_time: datetime


class ClipPlanner:
    """Follows the windows of all channels. `closed` are clips that no further window shares, to be taken by the caller.

    A window that is wanted becomes a clip, with the pre-roll and the length of its rule. Windows within a clip share
    it, so do later ones of a class that it already holds; one of another class that reaches beyond its end lengthens
    it. Clips of one channel never overlap, and never span a gap. `bundles` holds the version of each classifier that
    analyzes the windows; it may be replaced between two batches, and so may `earlier_s`: by how much the sound in which
    a class of an analysis was recognized begins, and ends, before its window. The clip is that of the sound.
    """

    def __init__(self, bundles: Mapping[str, str] | None = None) -> None:
        self.bundles: Mapping[str, str] = bundles or {}
        self.earlier_s: Callable[[Analysis, str], tuple[float, float]] = lambda analysis, label: (0.0, 0.0)
        self.closed: list[PlannedClip] = []
        self._open: dict[str, PlannedClip] = {}
        self._channels: dict[str, _Channel] = {}
        self._ends: dict[str, int] = {}
        self._recent: dict[str, deque[PlannedClip]] = {}
        self._start, self._floor = -1, 0
        self.epoch = 0

    @property
    def pending(self) -> list[PlannedClip]:
        """Clips that are neither complete nor taken."""
        return [*self._open.values(), *self.closed]

    def follow(
        self, batch: WindowBatch, chosen: Mapping[str, tuple[Analysis, tuple[str, ...]]], wanted: Wanted
    ) -> None:
        """The next batch; `chosen` holds the analysis of each channel and its classes."""
        self._note(batch)
        for row, channel in enumerate(batch.channels):
            if channel in chosen:
                analysis, labels = chosen[channel]
                for label in labels:
                    self._window(batch, row, analysis, label, wanted)

    def begin_at(self, frame: int) -> None:
        """No clip begins before a frame: the audio before it was not held long enough."""
        self._floor = frame

    def forget_recent(self) -> None:
        """`clip_of` returns none of the clips that are complete."""
        self._recent.clear()

    def finish(self) -> None:
        """Close all clips: no more windows will come."""
        for channel in list(self._open):
            self._close(channel)

    def clip_of(self, detection: Detection) -> PlannedClip | None:
        """The first clip that holds some of a detection, None if there is none."""
        for channel in detection.channel_names:
            clips: list[PlannedClip] = [*self._recent.get(channel, ())]
            if channel in self._open:
                clips.append(self._open[channel])
            for clip in clips:
                overlaps = clip.start_time < detection.end and detection.start < clip.end_time
                if overlaps and detection.label in clip.probabilities:
                    return clip
        return None

    def _note(self, batch: WindowBatch) -> None:
        """Close the clips that this batch ends, and note where the audio of its channels begins and ends."""
        if batch.channels and batch.start_frame <= self._start:
            self.finish()
            self._channels.clear()
            self._ends.clear()
            self._floor = 0
            self.epoch += 1
        if batch.channels:
            self._start = batch.start_frame
        for channel in [name for name in self._channels if name not in batch.channels]:
            self._close(channel)
            del self._channels[channel]
        for row, channel in enumerate(batch.channels):
            self._note_channel(batch, row, channel)

    def _note_channel(self, batch: WindowBatch, row: int, channel: str) -> None:
        start, time, known = batch.start_frame, batch.starts[row], self._channels.get(channel)
        if known is not None:
            expected = known.last_time + timedelta(seconds=(start - known.last_start) / batch.rate_hz)
            jumped = abs((time - expected).total_seconds()) > _JUMP_S
            if start > known.until or jumped:
                self._close(channel)
                known = None
        clip = self._open.get(channel)
        if clip is not None and clip.end <= start:
            self._close(channel)
        since = start if known is None else known.since
        self._channels[channel] = _Channel(since, start + batch.samples.shape[1], start, time)

    def _close(self, channel: str) -> None:
        """Close the open clip of a channel, at most at the end of its audio."""
        clip = self._open.pop(channel, None)
        if clip is None:
            return
        clip = replace(clip, end=min(clip.end, self._channels[channel].until))
        self._ends[channel] = clip.end
        self.closed.append(clip)
        self._recent.setdefault(channel, deque(maxlen=_RECENT)).append(clip)

    def _window(self, batch: WindowBatch, row: int, analysis: Analysis, label: str, wanted: Wanted) -> None:
        channel = analysis.channel
        begins, ends = (round(earlier_s * batch.rate_hz) for earlier_s in self.earlier_s(analysis, label))
        start, end = batch.start_frame - begins, batch.start_frame + batch.samples.shape[1] - ends
        clip, probability = self._open.get(channel), _probability(analysis, label)
        if clip is not None and (end <= clip.end or label in clip.probabilities):
            self._open[channel] = _shared(clip, label, probability)
        elif end <= self._ends.get(channel, 0):
            return  # a sound from before this window, and in an earlier clip
        elif (rule := wanted(channel, label, row)) is None:
            return
        elif clip is not None:
            self._open[channel] = replace(_shared(clip, label, probability), end=end)
        else:
            sound = slice(start, end)
            self._open[channel] = self._begun(batch, row, rule, {label: probability}, sound)

    def _begun(
        self, batch: WindowBatch, row: int, rule: ClipRule, probabilities: Mapping[str, float], sound: slice
    ) -> PlannedClip:
        """A clip of a sound, given in frames, that was recognized in a row of the batch, with its pre-roll as far as
        there is audio in no other clip."""
        channel, rate_hz = batch.channels[row], batch.rate_hz
        earliest = max(self._channels[channel].since, self._ends.get(channel, 0), self._floor)
        latest = sound.stop - batch.samples.shape[1]
        start = min(latest, max(sound.start - round(rule.pre_s * rate_hz), earliest))
        time = batch.starts[row] - timedelta(seconds=(batch.start_frame - start) / rate_hz)
        label = next(iter(probabilities))
        folder = f"{rule.dst}/{label}" if rule.dst else label
        return PlannedClip(
            channel=channel,
            path=f"{folder}/{clip_stem(channel, time)}",
            start=start,
            end=max(sound.stop, start + round((rule.length_s or 0.0) * rate_hz)),
            start_time=time,
            rate_hz=rate_hz,
            probabilities=probabilities,
            rule=rule,
            epoch=self.epoch,
            bundles=self.bundles,
        )


def _probability(analysis: Analysis, label: str) -> float:
    """That of a class; that of `unknown` is the remainder of the whole tree."""
    return analysis.probabilities.get(label, analysis.remainders.get(label, 0.0))


def _shared(clip: PlannedClip, label: str, probability: float) -> PlannedClip:
    highest = max(probability, clip.probabilities.get(label, 0.0))
    return replace(clip, probabilities={**clip.probabilities, label: highest})
