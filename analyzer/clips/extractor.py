"""Clips from batches of results: chosen by rules, cut from the audio in memory, named in the detections."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from analyzer.clips.clip_file import ClipTags
from analyzer.clips.history import AudioHistory
from analyzer.clips.object_filter import stands_clear
from analyzer.clips.plan import ClipPlanner, PlannedClip
from analyzer.clips.privacy import ClipPrivacy
from analyzer.clips.rates import AutoRates
from analyzer.clips.rules import rule_for
from analyzer.clips.store import CutClip
from tidzam.config.clips import ClipRule
from tidzam.config.sinks import ClipSinkSettings
from tidzam.labels import LabelTree
from tidzam.protocol.analyzer import PROBABILITY_DIGITS
from tidzam.protocol.extraction import ExtractionRule
from tidzam.results import Analysis, AnalyzedBatch, DetectionChange, WindowBatch
from tidzam.speech_times import Interval
from tidzam.types import Float32

_MOST_MARKED: Final = 32
"""Batches that are marked and not cut: more than the queue of a sink holds."""


class Extractor:
    """Chooses windows and cuts their clips. `rules` and `requested` may be replaced at any time. Of several classes in
    a window, the one with the fewest clips comes first.

    `mark` is called with every batch, in its order, and names clips in the detections; `cut` afterwards with the same
    batches, and returns the clips that are complete. `counts` are the clips on disk, for the rate `auto`. Pure but for
    its state and the random numbers of rates, which begin with `seed`. `labels` and `bundles`, the version of each
    classifier, are those of batches that do not say which cascade they are from. `privacy` decides on clips with
    speech, once it is known where there is some. Unless `names_clips`, detections name none: they cannot be written.
    """

    def __init__(
        self,
        settings: ClipSinkSettings,
        *,
        labels: LabelTree,
        node: str,
        bundles: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        self.rules: Sequence[ClipRule] = settings.rules or (ClipRule(),)  # at least one
        self.requested: Mapping[str, ExtractionRule] = {}
        self._suffix, self._node = f".{settings.format}", node
        self._rates = AutoRates(labels)
        self._draw = random.Random(seed)
        self._planner, self._history = ClipPlanner(bundles or {}), AudioHistory()
        self._named: dict[str, str] = {}
        self._marked: deque[WindowBatch] = deque(maxlen=_MOST_MARKED)
        self._pre_s, self._earliest_s = max(rule.pre_s for rule in self.rules), 0.0
        self.privacy = ClipPrivacy()
        self.names_clips = True

    def mark(self, analyzed: AnalyzedBatch) -> AnalyzedBatch:
        """The batch with the clips of its detections named. Such a clip is complete some windows later."""
        if analyzed.cascade is not None:
            self._rates.use(analyzed.cascade.labels)
            self._planner.bundles = analyzed.cascade.versions
            self._planner.earlier_s = analyzed.cascade.earlier_s
            self._earliest_s = analyzed.cascade.earliest_s
        batch, planned = analyzed.batch, self._planned()
        chosen = {
            analysis.channel: (analysis, tuple(sorted(labels, key=lambda label: self._count(label, planned))))
            for analysis in analyzed.analyses
            if (labels := _decided(analysis))
        }
        self._hold(batch)
        self._planner.follow(batch, chosen, lambda channel, label, row: self._wanted(batch, channel, label, row))
        if not batch.channels:
            self._planner.finish()
        self._marked.append(batch)
        self.privacy.take(analyzed.speech, epoch=self._planner.epoch)
        return replace(analyzed, detections=tuple(map(self._with_clip, analyzed.detections)))

    def _hold(self, batch: WindowBatch) -> None:
        """Hold as much audio as the longest pre-roll and the longest window need, from now on."""
        pre_s = max([rule.pre_s for rule in self.rules] + [rule.pre_s for rule in self.requested.values()], default=0.0)
        pre_s += self._earliest_s
        if pre_s > self._pre_s and batch.channels:
            self._planner.begin_at(batch.start_frame)
        self._pre_s = pre_s

    def cut(self, analyzed: AnalyzedBatch) -> list[CutClip]:
        """The clips that are complete with this batch."""
        batch = analyzed.batch
        if not any(marked is batch for marked in self._marked):
            if self._marked:
                return []  # it came before all that are marked, while nobody marked: its audio is missing
            self.mark(analyzed)
        while self._marked.popleft() is not batch:
            pass  # dropped before they came here: their audio is missing
        cut = self._complete()
        self._history.add(batch)
        cut += self._complete()
        if batch.channels:
            first = [clip.start for clip in self._planner.pending if clip.epoch == self._history.epoch]
            self._history.forget(min([batch.start_frame - round(self._pre_s * batch.rate_hz), *first]))
        return cut

    def forget_names(self) -> None:
        """Name no clip that was planned so far: some were lost."""
        self._named.clear()
        self._planner.forget_recent()

    def finish(self) -> list[CutClip]:
        """The clips that are not complete: no more windows will come."""
        self._planner.finish()
        return self._complete(is_last=True)

    def _complete(self, *, is_last: bool = False) -> list[CutClip]:
        """Cut the closed clips whose audio has arrived, once it is known where there is speech. Those whose audio is
        missing are given up."""
        history, waiting, cut = self._history, list[PlannedClip](), list[CutClip]()
        for clip in self._planner.closed:
            if clip.epoch > history.epoch or (clip.epoch == history.epoch and clip.end > history.end):
                waiting.append(clip)
            elif clip.epoch == history.epoch:
                private = self.privacy.private(clip, is_last=is_last)
                if private is None:
                    waiting.append(clip)
                elif (samples := history.cut(clip.channel, clip.start, clip.end)) is not None:
                    cut += self._cut(clip, samples, private)
        self._planner.closed = waiting
        return cut

    def _cut(self, clip: PlannedClip, samples: Float32, private: Sequence[Interval]) -> list[CutClip]:
        """The clip, without what is private of it; none if it is dropped."""
        kept = self.privacy.applied(clip, samples, private)
        if kept is None:
            return []
        path = f"{clip.path}{self._suffix}"
        return [CutClip(path, clip.label, kept, clip.rate_hz, self._tags(clip, private))]

    def _wanted(self, batch: WindowBatch, channel: str, label: str, row: int) -> ClipRule | None:
        rule = rule_for(channel, label, requested=self.requested, configured=self.rules)
        if rule is None:
            return None
        rate = self._rates.rate(label, self._planned()) if rule.rate == "auto" else rule.rate
        if self._draw.random() >= rate or (rule.object_filter and not stands_clear(batch.samples[row])):
            return None
        return rule

    @property
    def counts(self) -> Mapping[str, int]:
        """The clips of each class on disk."""
        return self._rates.counts

    @counts.setter
    def counts(self, counts: Mapping[str, int]) -> None:
        self._rates.counts = counts

    def _planned(self) -> Counter[str]:
        """The clips of each class that are planned."""
        return Counter(clip.label for clip in self._planner.pending)

    def _count(self, label: str, planned: Mapping[str, int]) -> int:
        return self.counts.get(label, 0) + planned.get(label, 0)

    def _with_clip(self, change: DetectionChange) -> DetectionChange:
        """The first clip that holds a detection is named from then on."""
        detection = change.detection
        if detection.clip is not None or not self.names_clips:
            return change  # another folder of clips has named it, or none can be written
        name = self._named.get(detection.id)
        clip = self._planner.clip_of(detection)
        if clip is not None and self.privacy.will_drop(clip):
            self._named.pop(detection.id, None)
            return change
        if name is None and clip is not None:
            name = self._named[detection.id] = f"{clip.path}{self._suffix}"
        if change.kind == "end":
            self._named.pop(detection.id, None)
        return replace(change, detection=replace(detection, clip=name)) if name else change

    def _tags(self, clip: PlannedClip, muted: Sequence[Interval]) -> ClipTags:
        rule = clip.rule.model_dump(mode="json", exclude_defaults=True)
        comment: dict[str, Any] = {
            "class": clip.label,
            "probability": round(clip.probabilities[clip.label], PROBABILITY_DIGITS),
            "classes": {label: round(value, PROBABILITY_DIGITS) for label, value in clip.probabilities.items()},
            "channel": clip.channel,
            "bundles": dict(clip.bundles),
            "rule": rule | {"rate": clip.rule.rate},
        }
        if muted:
            comment["muted_s"] = [[round((at - clip.start) / clip.rate_hz, 3) for at in interval] for interval in muted]
        return ClipTags(label=clip.label, node=self._node, start=clip.start_time, comment=comment)


def _decided(analysis: Analysis) -> tuple[str, ...]:
    """The classes decided; none if no classifier ran: then `unknown` says nothing about the sound."""
    return () if analysis.left_out and not analysis.probabilities else analysis.result
