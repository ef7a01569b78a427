"""From windows to the analyses of their channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Self

import numpy as np

from tidzam.audio.features import require_rate
from tidzam.audio.sanitize import sanitize
from tidzam.audio.windows import window_features
from tidzam.bundle import find_bundles, read_bundle
from tidzam.config.decision import DecisionSettings
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.inference.cascade import Cascade, Prediction
from tidzam.inference.decision_policy import DecisionPolicy
from tidzam.inference.loading import load_cascade
from tidzam.labels import LabelTree
from tidzam.paths import DEMO_BUNDLES
from tidzam.results import Analysis, ChannelState, WindowBatch
from tidzam.types import Float32

SILENCE_DBFS = -120.0


class Pipeline:
    """A cascade, and the policy that decides on its probabilities, each window by itself."""

    def __init__(
        self,
        cascade: Cascade,
        *,
        engine: str = "onnx",
        decision: DecisionSettings | None = None,
        location: LocationSettings | None = None,
    ) -> None:
        """Raises the errors of DecisionPolicy."""
        self.cascade = cascade
        self.engine = engine
        self.policy = DecisionPolicy(
            decision or DecisionSettings(), cascade.thresholds, cascade.labels, location=location
        )

    @classmethod
    def load(
        cls,
        folder: Path | None = None,
        *,
        engine: str = "onnx",
        decision: DecisionSettings | None = None,
        location: LocationSettings | None = None,
        gate: float = 0.05,
        threads: int = 1,
    ) -> Self:
        """The bundles in `folder` (the demo's, if None) as one cascade.

        Raises BundleError with the reason, ConfigError if there is no such engine or decision rule.
        """
        bundles = [read_bundle(path) for path in find_bundles(folder or DEMO_BUNDLES)]
        cascade = load_cascade(bundles, engine, gate=gate, threads=threads)
        return cls(cascade, engine=engine, decision=decision, location=location)

    @classmethod
    def of(cls, settings: AnalyzerSettings, location: LocationSettings | None = None) -> Self:
        """The pipeline that `settings` describe, at a location if that is known. Raises the errors of `load`."""
        return cls.load(
            settings.nn,
            engine=settings.engine,
            decision=settings.decision,
            location=location,
            gate=settings.gate,
            threads=settings.threads,
        )

    @property
    def window_s(self) -> float:
        return self.cascade.window_s

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Their names, the selector first."""
        return tuple(classifier.name for classifier in self.cascade.classifiers)

    @property
    def labels(self) -> LabelTree:
        return self.cascade.labels

    def check_rate(self, rate_hz: int) -> None:
        """Raises AudioError (`sample_rate`) if audio at `rate_hz` lacks the band that a classifier needs."""
        require_rate(rate_hz, self.cascade.specs)

    def analyze(self, batch: WindowBatch) -> tuple[Analysis, ...]:
        """The analysis of each channel of `batch`, in its order."""
        return self.analyze_all([batch])[0]

    def analyze_all(self, batches: Sequence[WindowBatch]) -> list[tuple[Analysis, ...]]:
        """The same for several batches of one rate at once, which is faster."""
        rows = [batch.samples for batch in batches if batch.channels]
        if not rows:
            return [() for _ in batches]
        samples, levels = measured(np.concatenate(rows))
        known = [batch.source_rates_hz or (None,) * len(batch.channels) for batch in batches]
        rates = [rate for of_batch in known for rate in of_batch]
        predictions = zip(self.cascade.classify(samples, batches[0].rate_hz, rates), levels, rates, strict=True)
        return [
            tuple(self._analysis(batch, row, *next(predictions)) for row in range(len(batch.channels)))
            for batch in batches
        ]

    def _analysis(
        self, batch: WindowBatch, row: int, found: Prediction, level_dbfs: float, source_rate_hz: int | None
    ) -> Analysis:
        return Analysis(
            channel=batch.channels[row],
            start=batch.starts[row],
            end=batch.starts[row] + timedelta(seconds=batch.samples.shape[1] / batch.rate_hz),
            start_frame=batch.start_frame,
            result=self.policy.decide(found.probabilities, channel=batch.channels[row], time=batch.starts[row]),
            probabilities=found.probabilities,
            level_dbfs=level_dbfs,
            gap_frames=batch.gap_frames[row],
            rate_hz=batch.rate_hz,
            state=self.channel_state(source_rate_hz),
            left_out=found.left_out,
            remainders=found.remainders,
        )

    def lacking_band(self, source_rate_hz: int | None) -> tuple[str, ...]:
        """The classifiers that do not run on a source of this rate, since it lacks the band that they need."""
        return self.cascade.lacking_band(source_rate_hz)

    def channel_state(self, source_rate_hz: int | None) -> ChannelState:
        """The state of a channel whose source has this rate."""
        return ChannelState.BAND_LIMITED if self.lacking_band(source_rate_hz) else ChannelState.LISTENING

    @property
    def classifier_errors(self) -> Mapping[str, int]:
        """For each classifier with errors, the windows for which its outputs were not probabilities."""
        return self.cascade.output_check.counts

    @property
    def failing(self) -> Mapping[str, str]:
        """The classifiers that fail at present, each with the reason as a sentence."""
        return self.cascade.output_check.recent()

    def spectrogram(self, window: Float32, rate_hz: int) -> Float32:
        """The selector's features of one window (frames,) at `rate_hz`: (frames, mels) in dB."""
        spec = self.cascade.classifiers[0].manifest.features
        (features,) = window_features(window[None], rate_hz, spec)
        return np.asarray(features)


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


def _mean_square(windows: Float32) -> Float32:
    square: Float32 = np.einsum("ij,ij->i", windows, windows) / np.float32(windows.shape[1])
    return square
