"""From analyses to detections: the stages that live analysis and the analysis of files share."""

from __future__ import annotations

from dataclasses import replace

from analyzer.novelty import NoveltyStage
from analyzer.pipeline import Pipeline
from tidzam.config.settings import AnalyzerSettings
from tidzam.inference.averaging import WindowAverager
from tidzam.inference.channel_merger import ChannelMerger
from tidzam.inference.decision_policy import Decision
from tidzam.inference.tracker import DetectionTracker
from tidzam.results import Analysis, AnalyzedBatch, DetectionChange, WindowBatch


class DetectionStages:
    """Averages overlapping windows, tracks detections on each channel, and merges those of several channels."""

    def __init__(self, pipeline: Pipeline, settings: AnalyzerSettings, *, node: str) -> None:
        """The stages after `pipeline`; `node` is the name in the ids of detections."""
        self._policy, self._cascade = pipeline.policy, pipeline.identity
        self._is_dated, self._averages = True, settings.decision.average
        self._averager = self._new_averager()
        self._ended: tuple[DetectionChange, ...] = ()
        self._tracker = DetectionTracker(
            pipeline.labels, node=node, settings=settings.detections, threshold_of=self._threshold_of
        )
        self._novelty = NoveltyStage(pipeline.novelty, settings.detections, node=node)
        self._merger = ChannelMerger(settings.detections)

    def use(self, pipeline: Pipeline) -> None:
        """Follow the analyses of another pipeline from the next batch on. Not while `follow` runs.

        With that batch, detections end whose class the pipeline does not know, or knows under other parents; the others
        go on. Averages start over, since the probabilities of different networks have no common mean.
        """
        self._policy, self._cascade = pipeline.policy, pipeline.identity
        self._averager = self._new_averager()
        self._ended += tuple(self._tracker.relabel(pipeline.labels, pipeline.classes))
        self._novelty.use(pipeline.novelty)

    def _new_averager(self) -> WindowAverager | None:
        return WindowAverager(self._decide) if self._averages else None

    def follow(
        self, batch: WindowBatch, analyses: tuple[Analysis, ...], *, jumped: frozenset[str] = frozenset()
    ) -> AnalyzedBatch:
        """The next batch, with averaged analyses and the detections that changed.

        On the channels in `jumped`, what is heard was not recorded right after what was heard before.
        """
        self._is_dated = batch.dated
        novel = self._novelty.follow(batch, analyses, jumped=jumped)
        if self._averager is not None:
            analyses = self._averager.follow(analyses, jumped=jumped)
        return self._merged(self._tracker.follow(batch, analyses, jumped=jumped), novel)

    def last_batch(self) -> AnalyzedBatch:
        """A batch without channels that ends all open detections: no more windows will come."""
        return self._merged(self._tracker.last_batch(), self._novelty.finish())

    def _merged(self, tracked: AnalyzedBatch, novel: tuple[DetectionChange, ...]) -> AnalyzedBatch:
        ended, self._ended = self._ended, ()
        changes = (*ended, *tracked.detections, *novel)
        return self._merger.follow(replace(tracked, detections=changes, cascade=self._cascade))

    def _decide(self, analysis: Analysis) -> tuple[str, ...]:
        return self._decision(analysis).decide(analysis.probabilities, self._cascade.labels)

    def _threshold_of(self, analysis: Analysis, label: str) -> float:
        return self._decision(analysis).threshold(label)

    def _decision(self, analysis: Analysis) -> Decision:
        return self._policy.decision(analysis.channel, analysis.start if self._is_dated else None)
