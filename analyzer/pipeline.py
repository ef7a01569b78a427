"""From windows to the analyses of their channels."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import timedelta
from pathlib import Path
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from analyzer.decision_files import DecisionFiles
from analyzer.novelty import check_labels, identity_of, load_detectors, novelty_bundles
from tidzam.audio.features import FeatureSpec
from tidzam.audio.sanitize import sanitize
from tidzam.audio.waveform import InputSpec, missing_share, require_rate
from tidzam.audio.windows import window_features
from tidzam.bundle import Bundle, cascade_folders, read_bundle
from tidzam.config.decision import DecisionSettings
from tidzam.config.inference import DEFAULT_ENGINE
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.inference.cascade import Cascade
from tidzam.inference.decision_policy import DecisionPolicy
from tidzam.inference.engine_choice import choose_engines
from tidzam.inference.engine_records import EngineRecords
from tidzam.inference.input_cache import InputCache
from tidzam.inference.loading import load_cascade, load_range_model
from tidzam.inference.longer_windows import Handover, LongerWindows
from tidzam.inference.novelty import NoveltyDetectors
from tidzam.inference.prediction import Prediction
from tidzam.inference.species_range import RangeModel, SpeciesRange
from tidzam.inference.trial import try_networks
from tidzam.labels import LabelTree
from tidzam.protocol.channel_status import lacking
from tidzam.results import Analysis, ChannelState, WindowBatch
from tidzam.types import Float32

log = logging.getLogger(__name__)

SILENCE_DBFS = -120.0


class Pipeline:
    """A cascade, which of its classes are reported, and the policy that decides on their probabilities.

    Holds no state between windows, but for the outputs that classifiers with longer windows leave to the next ones.
    """

    def __init__(
        self,
        cascade: Cascade,
        *,
        engine: str = DEFAULT_ENGINE,
        decision: DecisionSettings | None = None,
        location: LocationSettings | None = None,
        species: SpeciesRange | None = None,
        novelty: NoveltyDetectors | None = None,
        strict: bool = False,
    ) -> None:
        """With `strict`, a classifier does not run on audio that lacks a part of the band that it needs. Raises the
        errors of DecisionPolicy."""
        self.cascade = cascade
        self.novelty = novelty or NoveltyDetectors((), check=cascade.output_check)
        self.engine = engine
        self._strict = strict
        self._species = None if species is None or species.hides_nothing else species
        self._handover: Handover | None = None
        self._specs = cascade.specs | self.novelty.specs
        self.policy = DecisionPolicy(
            decision or DecisionSettings(), cascade.thresholds, cascade.labels, location=location
        )
        self.identity = identity_of(cascade, self.novelty)

    @classmethod
    def load(
        cls,
        folder: Path | None = None,
        *,
        engine: str = DEFAULT_ENGINE,
        gate: float = 0.05,
        threads: int = 1,
    ) -> Self:
        """The bundles in `folder` (the demo's, if None) as one cascade.

        Raises BundleError with the reason, ConfigError if there is no such engine.
        """
        return cls.of(AnalyzerSettings(nn=folder, engine=engine, gate=gate, threads=threads))

    @classmethod
    def of(
        cls, settings: AnalyzerSettings, location: LocationSettings | None = None, *, home: Path | None = None
    ) -> Self:
        """The pipeline that `settings` describe, at a location if that is known. `home` is the node's home, which holds
        the installed models; by default the one of `models_folder`. Raises the errors of `load`, and ConfigError
        (`unknown_class`) if `settings.range` names a class that does not exist."""
        bundles, engines, records = _chosen(settings, home)
        threads, batch = settings.threads, settings.batch
        cascade = load_cascade(bundles, engines, gate=settings.gate, threads=threads, batch=batch, records=records)
        pipeline = cls(
            cascade,
            engine=", ".join(dict.fromkeys(engines)),
            decision=settings.decision,
            location=location,
            species=_species_range(cascade, bundles, settings, location),
            novelty=load_detectors(settings, cascade, home=home, records=records),
            strict=settings.strict,
        )
        DecisionFiles(settings.decision.prior, home).apply(pipeline.policy)
        return pipeline

    def beside(self, novelty: NoveltyDetectors) -> Self:
        """The same pipeline with novelty bundles that are loaded already. Raises the errors of `check_labels`."""
        if not novelty:
            return self
        check_labels(self.cascade)
        other = copy(self)
        other.novelty = NoveltyDetectors(novelty.detectors, check=self.cascade.output_check)
        other._specs = self.cascade.specs | novelty.specs
        other.identity = identity_of(self.cascade, novelty)
        return other

    @property
    def window_s(self) -> float:
        """The length of its windows: the shortest ones of the cascade."""
        return self.cascade.window_s

    @property
    def longest_window_s(self) -> float:
        """The length of the longest windows, also of novelty bundles: what a batch needs as its context."""
        return max(self.cascade.longest_window_s, self.novelty.longest_window_s)

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Their names, the selector first."""
        return self.identity.classifiers

    @property
    def classes(self) -> tuple[str, ...]:
        """The outputs of the classifiers, parents before children."""
        return self.cascade.classes

    @property
    def bundle_versions(self) -> Mapping[str, str]:
        """The version of each classifier, and of each novelty bundle."""
        return self.identity.versions

    @property
    def labels(self) -> LabelTree:
        """The label tree of detections."""
        return self.identity.labels

    def check_rate(self, rate_hz: int) -> None:
        """Log the classifiers and novelty bundles that need more band than audio at `rate_hz` holds. Raises AudioError
        (`sample_rate`) if the pipeline is strict and there are any of them."""
        if self._strict:
            require_rate(rate_hz, self.cascade.specs)
        if missing := self.missing_band(rate_hz):
            log.warning("at %d Hz, the audio lacks %s", rate_hz, lacking(missing))
        if unscored := self.novelty.lacking_band(rate_hz):
            log.warning("at %d Hz, the audio is not scored by %s", rate_hz, unscored)

    def missing_band(self, rate_hz: int) -> dict[str, float]:
        """The classifiers that need more band than audio at `rate_hz` holds, and the share of it that is missing."""
        shares = {one.name: missing_share(one.manifest.input, rate_hz) for one in self.cascade.classifiers}
        return {name: share for name, share in shares.items() if share > 0}

    def analyze(self, batch: WindowBatch) -> tuple[Analysis, ...]:
        """The analysis of each channel of `batch`, in its order.

        Batches come in the order of their time, those of different channels at one time in any order.
        """
        after = self.cascade.handover()
        (analyses,) = self.analyze_all([batch], before=self._handover, after=after)
        self._handover = after if batch.channels else self._handover
        return analyses

    def analyze_all(
        self, batches: Sequence[WindowBatch], *, before: Handover | None = None, after: Handover | None = None
    ) -> list[tuple[Analysis, ...]]:
        """The same for several batches of one rate at once, which is faster.

        `before` is what the analysis of the batches before these leaves, `after` what this one leaves (of
        `cascade.handover`). They may be analyzed at the same time, if this one is not begun first.
        """
        try:
            return self._analyzed(batches, before, after or self.cascade.handover())
        except BaseException as error:
            if after is not None:
                after.fail(error)  # so that nobody waits for it
            raise

    def _analyzed(
        self, batches: Sequence[WindowBatch], before: Handover | None, after: Handover
    ) -> list[tuple[Analysis, ...]]:
        rows = [batch.samples for batch in batches if batch.channels]
        if not rows:
            return [() for _ in batches]
        samples, levels = measured(stacked(rows))
        known = [batch.source_rates_hz or (None,) * len(batch.channels) for batch in batches]
        rates = [held_rate(rate, batches[0].rate_hz) for of_batch in known for rate in of_batch]
        refused = rates if self._strict else ()
        longer = LongerWindows.of(batches, before, after) if self.longest_window_s > self.window_s else None
        hidden = self._hidden(batches)
        inputs = InputCache(samples, batches[0].rate_hz, self._specs, longer=longer)
        found = self.cascade.classify(samples, batches[0].rate_hz, refused, hidden=hidden, longer=longer, inputs=inputs)
        whole = [one for batch in batches for one in batch.whole]
        scores = self.novelty.scores(samples, inputs, rates, whole)
        predictions = zip(found, levels, rates, scores, strict=True)
        return [
            tuple(self._analysis(batch, row, *next(predictions)) for row in range(len(batch.channels)))
            for batch in batches
        ]

    def _hidden(self, batches: Sequence[WindowBatch]) -> NDArray[np.bool_] | None:
        """The classes that are not reported in each window, shape (windows, classes); None if all are."""
        if self._species is None:
            return None
        days = [start.date() if batch.dated else None for batch in batches for start in batch.starts]
        return np.stack([self._species.hidden(day) for day in days])

    def _analysis(
        self,
        batch: WindowBatch,
        row: int,
        found: Prediction,
        level_dbfs: float,
        held_hz: int,
        scores: Mapping[str, float],
    ) -> Analysis:
        channel, start = batch.channels[row], batch.starts[row]
        return Analysis(
            channel=channel,
            start=start,
            end=start + timedelta(seconds=batch.samples.shape[1] / batch.rate_hz),
            start_frame=batch.start_frame,
            result=self.policy.decide(found.probabilities, channel=channel, time=start if batch.dated else None),
            probabilities=found.probabilities,
            level_dbfs=level_dbfs,
            gap_frames=batch.gap_frames[row],
            rate_hz=batch.rate_hz,
            state=self.channel_state(held_hz),
            left_out=found.left_out,
            scores=scores,
            remainders=found.remainders,
            ages_s=found.ages_s,
            waiting=found.waiting,
        )

    def refused_by(self, rate_hz: int) -> tuple[str, ...]:
        """The classifiers that do not run on audio of this rate, since it lacks the band that they need."""
        return self.cascade.lacking_band(rate_hz) if self._strict else ()

    def waiting_after(self, heard_s: float) -> tuple[str, ...]:
        """The classifiers whose windows are longer than the `heard_s` of a channel that were heard so far."""
        return tuple(one.name for one in self.cascade.classifiers if one.window_s > heard_s)

    def channel_state(self, rate_hz: int) -> ChannelState:
        """The state of a channel whose audio has the band of this rate."""
        return ChannelState.BAND_LIMITED if self.cascade.lacking_band(rate_hz) else ChannelState.LISTENING

    @property
    def classifier_errors(self) -> Mapping[str, int]:
        """For each classifier with errors, the windows for which its outputs were not probabilities."""
        return self.cascade.output_check.counts

    @property
    def failing(self) -> Mapping[str, str]:
        """The classifiers that fail at present, each with the reason as a sentence."""
        return self.cascade.output_check.recent()

    def spectrogram(self, window: Float32, rate_hz: int) -> Float32:
        """The features of one window (frames,) at `rate_hz`: (frames, mels) in dB. They are those that the first
        classifier with such windows takes; if it takes a waveform, those of its band."""
        shortest = next(one for one in self.cascade.classifiers if one.window_s == self.window_s)
        (features,) = window_features(window[None], rate_hz, _features_like(shortest.manifest.input))
        return np.asarray(features)


def try_bundles(settings: AnalyzerSettings, *, home: Path | None = None) -> None:
    """Verify the bundles of a cascade, choose their engines, and try their networks in another process. `Pipeline.of`
    does the same, but need not repeat what passed. Raises its errors."""
    bundles, engines, records = _chosen(settings, home)
    try_networks(bundles, engines, records=records)
    try_networks(novelty_bundles(settings, home), records=records)


def _chosen(settings: AnalyzerSettings, home: Path | None) -> tuple[list[Bundle], list[str], EngineRecords]:
    """The bundles of a cascade, the engine of each, and the records of earlier trials."""
    bundles = [read_bundle(path) for path in cascade_folders(settings.nn, settings.models, home=home)]
    records = EngineRecords.in_home(home)
    choices = choose_engines(bundles, settings.engine, threads=settings.threads, batch=settings.batch, records=records)
    return bundles, [choice.engine for choice in choices], records


def _species_range(
    cascade: Cascade, bundles: Sequence[Bundle], settings: AnalyzerSettings, location: LocationSettings | None
) -> SpeciesRange:
    models = [(bundle.manifest, load_range_model(bundle)) for bundle in bundles] if location else []
    return SpeciesRange(
        cascade.classes,
        cascade.labels,
        settings=settings.range,
        scientific_names={k: v for bundle in bundles for k, v in bundle.manifest.scientific_names.items()},
        location=location,
        models=[RangeModel(manifest, network) for manifest, network in models if network is not None],
    )


def _features_like(spec: InputSpec) -> FeatureSpec:
    if isinstance(spec, FeatureSpec):
        return spec
    return FeatureSpec(rate_hz=spec.rate_hz, window_s=spec.window_s, fmin_hz=spec.fmin_hz, fmax_hz=spec.fmax_hz)


def held_rate(source_rate_hz: int | None, rate_hz: int) -> int:
    """The sample rate whose band audio at `rate_hz` holds: that of its source, if it is known to be lower."""
    return rate_hz if source_rate_hz is None else min(source_rate_hz, rate_hz)


def measured(windows: Float32) -> tuple[Float32, list[float]]:
    """Windows (n, frames), and the RMS level of each in dB re a full-scale sine, not below -120.

    Samples that are not finite become silence.
    """
    power = _mean_square(windows)
    if not np.isfinite(power).all():
        windows, _ = sanitize(windows)
        power = _mean_square(windows)
    levels = 10 * np.log10(np.maximum(2 * power, 10 ** (SILENCE_DBFS / 10)))
    return windows, [float(level) for level in levels]


def stacked(arrays: Sequence[Float32]) -> Float32:
    """Arrays of shape (n, frames), one below the other; without copying them if so they are in memory already.

    >>> rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    >>> np.shares_memory(stacked([rows[:1], rows[1:]]), rows)
    True
    """
    first, count = arrays[0], sum(map(len, arrays))
    address = first.ctypes.data
    for array in arrays:
        if array.base is not first.base or not array.flags.c_contiguous or array.ctypes.data != address:
            return np.concatenate(arrays)
        address += array.nbytes
    if first.base is None:
        return first
    found: Float32 = as_strided(first, (count, first.shape[1]))
    found.setflags(write=False)
    return found


def _mean_square(windows: Float32) -> Float32:
    square: Float32 = np.einsum("ij,ij->i", windows, windows) / np.float32(windows.shape[1])
    return square
