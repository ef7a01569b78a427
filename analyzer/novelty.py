"""Detections of unusual sound: the novelty bundles that the settings name, and the stage that follows their scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tidzam.bundle import NOVEL, Bundle, novelty_folders, read_bundle
from tidzam.config.detections import DetectionSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import BundleError
from tidzam.inference.cascade import Cascade
from tidzam.inference.engine_choice import choose_engines
from tidzam.inference.engine_records import EngineRecords
from tidzam.inference.loading import load_novelty
from tidzam.inference.novelty import NOVELTY_LABELS, NoveltyDetectors
from tidzam.inference.tracker import DetectionTracker
from tidzam.results import Analysis, CascadeIdentity, DetectionChange, WindowBatch
from tidzam.values import changed


def novelty_bundles(settings: AnalyzerSettings, home: Path | None) -> list[Bundle]:
    """The novelty bundles of the settings, verified. Raises BundleError."""
    return [read_bundle(folder) for folder in novelty_folders(settings.novelty, home=home)]


def load_detectors(
    settings: AnalyzerSettings, cascade: Cascade, *, home: Path | None, records: EngineRecords
) -> NoveltyDetectors:
    """The novelty bundles of the settings, beside a cascade.

    Raises the errors of `load_novelty`, and BundleError (`bundle_cascade`) if names do not fit together.
    """
    bundles = novelty_bundles(settings, home)
    if bundles:
        check_labels(cascade)
    threads, batch = settings.threads, settings.batch
    choices = choose_engines(bundles, settings.engine, threads=threads, batch=batch, records=records)
    engines = [choice.engine for choice in choices]
    loaded = load_novelty(bundles, engines, threads=threads, batch=batch, records=records)
    return NoveltyDetectors(loaded, check=cascade.output_check)


def check_labels(cascade: Cascade) -> None:
    """Raises BundleError (`bundle_cascade`) if a cascade has the label of novelty bundles."""
    if NOVEL in cascade.labels:
        raise BundleError(
            f"The cascade has a class {NOVEL!r}, which is the label of unusual sound.",
            hint="Rename the class, or run no novelty bundle.",
            code="bundle_cascade",
        )


def identity_of(cascade: Cascade, novelty: NoveltyDetectors) -> CascadeIdentity:
    """What the results of a cascade and of novelty bundles are made by. Unusual sound is named after the first of
    these."""
    versions = {one.name: one.manifest.version for one in cascade.classifiers}
    makers = {label: one.name for one in cascade.classifiers for label in one.manifest.classes}
    return CascadeIdentity(
        classifiers=tuple(one.name for one in cascade.classifiers),
        labels=cascade.labels.merged(NOVELTY_LABELS) if novelty else cascade.labels,
        versions=versions | novelty.versions,
        longer=cascade.longer_windows,
        classifier_of=makers | dict.fromkeys(NOVELTY_LABELS, next(iter(novelty.versions), "")) if novelty else makers,
    )


class NoveltyStage:
    """Tracks the windows of each channel that novelty bundles find unusual, as detections of the class `novel`.

    The probability of a window is the share of normal windows that sound less unusual. Hysteresis, gaps and the minimum
    number of windows are those of other detections.
    """

    def __init__(self, detectors: NoveltyDetectors, settings: DetectionSettings, *, node: str) -> None:
        self._detectors, self._is_used = detectors, bool(detectors)
        self._tracker = DetectionTracker(
            NOVELTY_LABELS, node=node, settings=settings, threshold_of=lambda analysis, label: self._detectors.threshold
        )
        self._ended: tuple[DetectionChange, ...] = ()

    def use(self, detectors: NoveltyDetectors) -> None:
        """Follow the scores of other bundles from the next batch on; without any, open detections end."""
        self._detectors = detectors
        self._is_used = self._is_used or bool(detectors)
        if not detectors:
            self._ended += tuple(self._tracker.finish())

    def follow(
        self, batch: WindowBatch, analyses: tuple[Analysis, ...], *, jumped: frozenset[str] = frozenset()
    ) -> tuple[DetectionChange, ...]:
        """The detections that changed with the next batch."""
        if not self._is_used:
            return ()
        ended, self._ended = self._ended, ()
        judged = tuple(self._judged(analyses))
        return (*ended, *self._tracker.follow(batch, judged, jumped=jumped).detections)

    def finish(self) -> tuple[DetectionChange, ...]:
        """The ends of all open detections."""
        return (*self._ended, *self._tracker.last_batch().detections) if self._is_used else ()

    def _judged(self, analyses: tuple[Analysis, ...]) -> Iterator[Analysis]:
        """Analyses whose one class is that of unusual sound."""
        for analysis in analyses:
            result = (NOVEL,) if self._detectors.is_novel(analysis.scores) else ()
            probabilities = {NOVEL: self._detectors.probability(analysis.scores)}
            yield changed(analysis, result=result, probabilities=probabilities)
