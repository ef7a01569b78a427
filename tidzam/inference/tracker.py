"""Detections: consecutive windows of one channel that agree, reported as they start, continue and end. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from tidzam.labels import UNKNOWN, LabelTree
from tidzam.results import Analysis, Detection

_SLACK = 0.1
"""Windows further apart than this share of a window do not follow one another."""


@dataclass(frozen=True)
class _Open:
    """An open detection: where its first and last windows begin, and where it ends, in seconds of the frame clock."""

    detection: Detection
    first_s: float
    last_s: float
    end_s: float


@dataclass(frozen=True)
class DetectionChange:
    """What became of a detection: it started, another window agreed, or the channel stopped agreeing."""

    kind: Literal["start", "update", "end"]
    detection: Detection


class DetectionTracker:
    """Merges windows into detections. Windows of one channel come in the order of their time.

    Which windows follow one another, and how long a detection lasts, is counted in frames: the system's clock may be
    set while something sounds. A detection starts at the time that its first window had on arrival.
    """

    def __init__(self, labels: LabelTree) -> None:
        self._labels = labels
        self._open: dict[tuple[str, str], _Open] = {}

    def add(self, analyses: Iterable[Analysis]) -> list[DetectionChange]:
        """What the next windows mean, ends first. A detection lives as long as window after window names its class."""
        return [event for analysis in analyses for event in self._one(analysis)]

    def finish(self, channel: str | None = None) -> list[DetectionChange]:
        """End what is open on `channel`, or on all of them: no more windows of it will come."""
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
        detection = Detection(
            id=f"{analysis.channel}/{label}/{analysis.start:%Y%m%dT%H%M%S.%f}",
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
