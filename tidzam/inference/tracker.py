"""Detections: consecutive windows of one channel with the same class, reported as they start, continue and end."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

import numpy as np

from tidzam.labels import UNKNOWN, LabelTree
from tidzam.results import Analysis, AnalyzedBatch, Detection, DetectionChange, WindowBatch

_SLACK = 0.1
"""Windows further apart than this share of a window do not follow one another."""


@dataclass(frozen=True)
class _Open:
    """An open detection: where its first and last windows begin, and where it ends, in seconds of the frame clock."""

    detection: Detection
    first_s: float
    last_s: float
    end_s: float


class DetectionTracker:
    """Merges windows into detections. Windows of one channel come in the order of their time.

    Which windows follow one another, and how long a detection lasts, is counted in frames: the system's clock may be
    set during a detection. A detection starts at the time that its first window had on arrival.

    Ids are `NODE/CHANNEL/CLASS/START/RUN-COUNT`: `run` is a random value per tracker, so that ids differ between
    restarts even if the clock was set back, and COUNT numbers the detections of one tracker.
    """

    def __init__(self, labels: LabelTree, *, node: str = "", run: str | None = None) -> None:
        self._labels, self._node = labels, node
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
        gone = [key for key in self._open if channel is None or key[0] == channel]
        return [DetectionChange("end", self._open.pop(key).detection) for key in gone]

    def _one(self, analysis: Analysis) -> list[DetectionChange]:
        ended = [key for key in self._open if key[0] == analysis.channel and not self._goes_on(key, analysis)]
        events = [DetectionChange("end", self._open.pop(key).detection) for key in ended]
        for label in analysis.result:
            if label == UNKNOWN:
                continue
            key = (analysis.channel, label)
            kind: Literal["update", "start"] = "update" if key in self._open else "start"
            known = self._open.get(key)
            opened = self._started(analysis, label) if known is None else _extended(known, analysis)
            self._open[key] = opened
            events.append(DetectionChange(kind, opened.detection))
        return events

    def _goes_on(self, key: tuple[str, str], analysis: Analysis) -> bool:
        known = self._open[key]
        if analysis.start_s <= known.last_s:  # the frame clock began again: another JACK server
            return False
        return key[1] in analysis.result and analysis.start_s - known.end_s <= _SLACK * analysis.duration_s

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
        )
        begin_s = analysis.start_s
        return _Open(detection, begin_s, begin_s, begin_s + analysis.duration_s)


def _extended(known: _Open, analysis: Analysis) -> _Open:
    detection = known.detection
    probability = analysis.probabilities[detection.label]
    windows = detection.windows + 1
    end_s = max(known.end_s, analysis.start_s + analysis.duration_s)
    longer = replace(
        detection,
        end=detection.start + timedelta(seconds=end_s - known.first_s),
        peak_probability=max(detection.peak_probability, probability),
        mean_probability=detection.mean_probability + (probability - detection.mean_probability) / windows,
        windows=windows,
    )
    return _Open(longer, known.first_s, analysis.start_s, end_s)
