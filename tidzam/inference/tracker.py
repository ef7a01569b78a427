"""Detections: windows of one channel that agree on a class, reported as they start, continue and end."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np

from tidzam.config.detections import DetectionSettings
from tidzam.inference.decision import deepest
from tidzam.labels import UNKNOWN, LabelTree
from tidzam.results import (
    Analysis,
    AnalyzedBatch,
    DetectedChannel,
    Detection,
    DetectionChange,
    WindowBatch,
    highest_scores,
)
from tidzam.values import changed

_SLACK = 0.1
"""Windows further apart than this share of a window do not follow one another."""


@dataclass(frozen=True)
class _Open:
    """An open detection: where its first and last windows begin, and where it ends, in seconds of the frame clock.

    It is not reported before it has the minimum number of windows.
    """

    detection: Detection
    is_reported: bool
    first_s: float
    last_s: float
    end_s: float


class DetectionTracker:
    """Merges windows into detections. Windows of one channel come in the order of their time.

    A window agrees with a detection if its decision holds the class, or if the detection has been reported and the
    probability of the class is within `settings.hysteresis` of its threshold. A class that is missing for at most
    `settings.max_gap_s` is bridged. A detection is reported once `settings.min_windows` windows have agreed; if it ends
    before, it is not reported at all.

    Which windows follow one another, and how long a detection lasts, is counted in frames: the system's clock may be
    set during a detection. A detection starts at the time that its first window had on arrival.

    Ids are `NODE/CHANNEL/CLASS/START/RUN-COUNT`: `run` is a random value per tracker, so that ids differ between
    restarts even if the clock was set back, and COUNT numbers the detections of one tracker.
    """

    def __init__(
        self,
        labels: LabelTree,
        *,
        node: str = "",
        run: str | None = None,
        settings: DetectionSettings | None = None,
        threshold_of: Callable[[Analysis, str], float] = lambda analysis, label: 1.0,
    ) -> None:
        """`threshold_of` returns the threshold of a class in a window; hysteresis depends on it."""
        self._labels, self._node = labels, node
        self._settings, self._threshold_of = settings or DetectionSettings(), threshold_of
        self._run = secrets.token_hex(4) if run is None else run
        self._count = 0
        self._channels: frozenset[str] = frozenset()
        self._open: dict[tuple[str, str], _Open] = {}

    def follow(
        self, batch: WindowBatch, analyses: tuple[Analysis, ...], *, jumped: frozenset[str] = frozenset()
    ) -> AnalyzedBatch:
        """The next batch with its detections.

        Those of channels that are missing from it end first, and those of the channels in `jumped`: what is heard
        there was not recorded right after what was heard before.
        """
        ended = sorted(self._channels - {*batch.channels} | jumped)
        gone = [end for channel in ended for end in self.finish(channel)]
        self._channels = frozenset(batch.channels)
        return AnalyzedBatch(batch, analyses, (*gone, *self.add(analyses)))

    def last_batch(self) -> AnalyzedBatch:
        """A batch without channels that ends all open detections: no more windows will come."""
        self._channels = frozenset()
        empty = WindowBatch((), np.zeros((0, 0), np.float32), 1, 0, (), ())
        return AnalyzedBatch(empty, (), tuple(self.finish()))

    def add(self, analyses: Iterable[Analysis]) -> list[DetectionChange]:
        """The changes caused by the next windows, ends first."""
        return [event for analysis in analyses for event in self._one(analysis)]

    def finish(self, channel: str | None = None) -> list[DetectionChange]:
        """End the open detections of `channel`, or of all channels."""
        return self._end([key for key in self._open if channel is None or key[0] == channel])

    def relabel(self, labels: LabelTree, classes: Collection[str]) -> list[DetectionChange]:
        """Other classifiers make the windows from now on: `classes`, which are among `labels`.

        Detections of classes that exist no more, or have other parents, end; those of the others go on.
        """
        self._labels = labels
        gone = [
            key
            for key, known in self._open.items()
            if key[1] not in classes or labels.path(key[1]) != known.detection.path
        ]
        return self._end(gone)

    def _end(self, keys: Iterable[tuple[str, str]]) -> list[DetectionChange]:
        ended = [self._open.pop(key) for key in keys]
        return [DetectionChange("end", known.detection) for known in ended if known.is_reported]

    def _one(self, analysis: Analysis) -> list[DetectionChange]:
        agreed = self._agreed(analysis)
        events = self._end(
            [key for key in self._open if key[0] == analysis.channel and not self._goes_on(key, analysis, agreed)]
        )
        for label in agreed:
            key = (analysis.channel, label)
            known = self._open.get(key)
            opened = self._started(analysis, label) if known is None else _extended(known, analysis)
            enough = opened.is_reported or opened.detection.windows >= self._settings.min_windows
            self._open[key] = changed(opened, is_reported=enough)
            if enough:
                kind: Literal["update", "start"] = "update" if opened.is_reported else "start"
                events.append(DetectionChange(kind, opened.detection))
        return events

    def _agreed(self, analysis: Analysis) -> list[str]:
        """The classes that a window agrees with: those decided, and those that hysteresis holds."""
        decided = [label for label in analysis.result if label != UNKNOWN]
        if not self._settings.hysteresis:
            return decided
        held = [label for label in self._reported(analysis) if label not in decided and self._is_held(analysis, label)]
        kept = deepest((*decided, *held), self._labels) if held else decided
        return [label for label in (*decided, *held) if label in kept]

    def _reported(self, analysis: Analysis) -> list[str]:
        """The classes of the open detections of the window's channel that it can continue."""
        return [
            label
            for (channel, label), known in self._open.items()
            if channel == analysis.channel and known.is_reported and self._follows(known, analysis)
        ]

    def _is_held(self, analysis: Analysis, label: str) -> bool:
        threshold = self._threshold_of(analysis, label)
        lowest = max(threshold - self._settings.hysteresis, threshold / 2)
        return analysis.probabilities.get(label, 0.0) >= lowest > 0

    def _follows(self, known: _Open, analysis: Analysis) -> bool:
        """Whether a window comes soon enough after the last one of a detection."""
        if analysis.start_s <= known.last_s:  # the frame clock began again: another JACK server
            return False
        return analysis.start_s - known.end_s <= self._settings.max_gap_s + _SLACK * analysis.duration_s

    def _goes_on(self, key: tuple[str, str], analysis: Analysis, agreed: list[str]) -> bool:
        known = self._open[key]
        if not self._follows(known, analysis):
            return False
        missing_s = analysis.start_s + analysis.duration_s - known.end_s
        return key[1] in agreed or 0 < missing_s <= self._settings.max_gap_s

    def _started(self, analysis: Analysis, label: str) -> _Open:
        probability = analysis.probabilities[label]
        self._count += 1
        detection = Detection(
            id=f"{self._node}/{analysis.channel}/{label}/{analysis.start:%Y%m%dT%H%M%S.%f}/{self._run}-{self._count}",
            channel=analysis.channel,
            label=label,
            path=self._labels.path(label),
            start=analysis.start,
            end=analysis.end,
            peak_probability=probability,
            mean_probability=probability,
            windows=1,
            channels=(DetectedChannel(analysis.channel, analysis.level_dbfs),),
            peak_scores=analysis.scores,
        )
        begin_s = analysis.start_s
        return _Open(detection, False, begin_s, begin_s, begin_s + analysis.duration_s)


def _extended(known: _Open, analysis: Analysis) -> _Open:
    detection = known.detection
    probability = analysis.probabilities[detection.label]
    windows = detection.windows + 1
    end_s = max(known.end_s, analysis.start_s + analysis.duration_s)
    longer = changed(
        detection,
        end=detection.start + timedelta(seconds=end_s - known.first_s),
        peak_probability=max(detection.peak_probability, probability),
        mean_probability=detection.mean_probability + (probability - detection.mean_probability) / windows,
        windows=windows,
        channels=(DetectedChannel(analysis.channel, max(analysis.level_dbfs, detection.channels[0].level_dbfs)),),
        peak_scores=highest_scores(detection.peak_scores, analysis.scores),
    )
    return changed(known, detection=longer, last_s=analysis.start_s, end_s=end_s)
