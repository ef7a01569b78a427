"""Speech detection as the last stage of the analyzer, live and of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from tidzam.config.privacy import PrivacySettings
from tidzam.labels import LabelTree
from tidzam.results import Analysis, AnalyzedBatch, WindowBatch
from tidzam.speech.base import DetectorContext, make_detector
from tidzam.speech.record import SpeechRecord
from tidzam.speech_times import PrivacyPolicy


class DetectionFollower(Protocol):
    """The stages that turn analyses into detections."""

    def follow(
        self, batch: WindowBatch, analyses: tuple[Analysis, ...], *, jumped: frozenset[str] = frozenset()
    ) -> AnalyzedBatch: ...

    def last_batch(self) -> AnalyzedBatch: ...


class SpeechStage:
    """Adds to each batch what is known about speech. Without a detector, it adds nothing."""

    def __init__(self, settings: PrivacySettings, labels: LabelTree, *, home: Path | None = None) -> None:
        """Raises TidzamError if the detector cannot be loaded: nothing is analyzed then."""
        self._detector = make_detector(settings, DetectorContext(labels=labels, home=home))
        policy = PrivacyPolicy(settings.action, settings.margin_s, settings.scope)
        self._record = SpeechRecord(policy)

    @property
    def speech_s(self) -> Mapping[str, float]:
        """Seconds of speech on each channel since the start."""
        return dict(self._record.speech_s)

    def follow(self, analyses: tuple[Analysis, ...], analyzed: AnalyzedBatch) -> AnalyzedBatch:
        """The batch with its statement. `analyses` are those of its windows, before any averaging."""
        if self._detector is None:
            return analyzed
        judged = self._detector.follow(analyzed.batch, analyses)
        return replace(analyzed, speech=self._record.follow(analyzed.batch, judged))

    def finish(self, analyzed: AnalyzedBatch) -> AnalyzedBatch:
        """The last batch, with the statement about all audio."""
        if self._detector is None:
            return analyzed
        return replace(analyzed, speech=self._record.finish(self._detector.finish()))


class PrivateStages:
    """Detections, and then speech."""

    def __init__(self, detections: DetectionFollower, speech: SpeechStage) -> None:
        self._detections, self._speech = detections, speech

    def follow(
        self, batch: WindowBatch, analyses: tuple[Analysis, ...], *, jumped: frozenset[str] = frozenset()
    ) -> AnalyzedBatch:
        return self._speech.follow(analyses, self._detections.follow(batch, analyses, jumped=jumped))

    def last_batch(self) -> AnalyzedBatch:
        return self._speech.finish(self._detections.last_batch())
