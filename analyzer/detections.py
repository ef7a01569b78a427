"""From analyses to detections: the stages that live analysis and the analysis of files share."""

from __future__ import annotations

from typing import Self

from analyzer.pipeline import Pipeline
from tidzam.config.settings import AnalyzerSettings
from tidzam.inference.averaging import WindowAverager
from tidzam.inference.channel_merger import ChannelMerger
from tidzam.inference.tracker import DetectionTracker
from tidzam.results import Analysis, AnalyzedBatch, WindowBatch


class DetectionStages:
    """Averages overlapping windows, tracks detections on each channel, and merges those of several channels."""

    def __init__(self, tracker: DetectionTracker, merger: ChannelMerger, averager: WindowAverager | None) -> None:
        self._tracker, self._merger, self._averager = tracker, merger, averager

    @classmethod
    def of(cls, pipeline: Pipeline, settings: AnalyzerSettings, *, node: str) -> Self:
        """The stages after `pipeline`, as the settings describe them; `node` is the name in the ids of detections."""
        policy, labels = pipeline.policy, pipeline.labels

        def threshold_of(analysis: Analysis, label: str) -> float:
            return policy.decision(analysis.channel, analysis.start).thresholds[label]

        def decide(analysis: Analysis) -> tuple[str, ...]:
            return policy.decide(analysis.probabilities, channel=analysis.channel, time=analysis.start)

        return cls(
            DetectionTracker(labels, node=node, settings=settings.detections, threshold_of=threshold_of),
            ChannelMerger(settings.detections),
            WindowAverager(decide) if settings.decision.average else None,
        )

    def follow(
        self, batch: WindowBatch, analyses: tuple[Analysis, ...], *, jumped: frozenset[str] = frozenset()
    ) -> AnalyzedBatch:
        """The next batch, with averaged analyses and the detections that changed.

        On the channels in `jumped`, what is heard was not recorded right after what was heard before.
        """
        if self._averager is not None:
            analyses = self._averager.follow(analyses, jumped=jumped)
        return self._merger.follow(self._tracker.follow(batch, analyses, jumped=jumped))

    def last_batch(self) -> AnalyzedBatch:
        """A batch without channels that ends all open detections: no more windows will come."""
        return self._merger.follow(self._tracker.last_batch())
