"""Speech detection as the last stage of the analyzer, live and of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from analyzer.clips.privacy import ClipPrivacy
from analyzer.pipeline import Pipeline
from tidzam.config.privacy import PrivacySettings
from tidzam.protocol.privacy import ChannelPrivacy, PrivacyStatus
from tidzam.results import Analysis, AnalyzedBatch, WindowBatch
from tidzam.speech.base import DetectorContext, FollowsClassifiers, make_detector
from tidzam.speech.record import SpeechRecord
from tidzam.speech_times import PrivacyPolicy


class DetectionFollower(Protocol):
    """The stages that turn analyses into detections."""

    def follow(
        self, batch: WindowBatch, analyses: tuple[Analysis, ...], *, jumped: frozenset[str] = frozenset()
    ) -> AnalyzedBatch: ...

    def last_batch(self) -> AnalyzedBatch: ...

    def use(self, pipeline: Pipeline) -> None: ...


class SpeechStage:
    """Adds to each batch what is known about speech. Without a detector, it adds nothing."""

    def __init__(self, settings: PrivacySettings, pipeline: Pipeline, *, home: Path | None = None) -> None:
        """Raises TidzamError if the detector cannot be loaded: nothing is analyzed then."""
        self._settings, self._home = settings, home
        self._detector = make_detector(settings, self._context(pipeline))
        policy = PrivacyPolicy(settings.action, settings.margin_s, settings.scope)
        self._record = SpeechRecord(policy)

    def _context(self, pipeline: Pipeline) -> DetectorContext:
        return DetectorContext(labels=pipeline.labels, window_s=pipeline.longest_window_s, home=self._home)

    def use(self, pipeline: Pipeline) -> None:
        """Follow the analyses of another pipeline. Raises TidzamError if speech cannot be detected by it."""
        if isinstance(self._detector, FollowsClassifiers):
            self._detector.use(self._context(pipeline))

    def status(self, clips: Sequence[ClipPrivacy] = ()) -> PrivacyStatus | None:
        """What was detected, and what happened to clips, since the start; None without a detector."""
        settings, speech_s = self._settings, dict(self._record.speech_s)
        if settings.detector is None:
            return None
        return PrivacyStatus(
            detector=settings.detector,
            action=settings.action,
            margin_s=settings.margin_s,
            scope=settings.scope,
            channels=tuple(
                ChannelPrivacy(
                    channel=channel,
                    speech_s=round(seconds, 3),
                    dropped_clips=sum(one.dropped[channel] for one in clips),
                    muted_clips=sum(one.muted[channel] for one in clips),
                )
                for channel, seconds in speech_s.items()
            ),
        )

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

    def use(self, pipeline: Pipeline) -> None:
        """Follow the analyses of another pipeline from the next batch on. Raises TidzamError, and changes nothing, if
        speech cannot be detected by it."""
        self._speech.use(pipeline)
        self._detections.use(pipeline)

    def last_batch(self) -> AnalyzedBatch:
        return self._speech.finish(self._detections.last_batch())
