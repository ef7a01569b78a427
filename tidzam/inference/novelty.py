"""How unusual windows are: the scores of novelty bundles, which run beside a cascade on the same windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tidzam.audio.waveform import InputSpec, required_rate
from tidzam.audio.windows import network_inputs
from tidzam.bundle import NOVEL, NormalScores
from tidzam.errors import BundleError
from tidzam.inference.cascade import Classifier
from tidzam.inference.engines import Network
from tidzam.inference.input_cache import InputCache
from tidzam.inference.longer_windows import Rows
from tidzam.inference.output_check import OutputCheck
from tidzam.labels import LabelTree
from tidzam.types import Float32

NOVELTY_LABELS = LabelTree({NOVEL: None})
"""The label tree of detections of unusual sound."""


class ScoreNetwork:
    """The network of a novelty bundle and its isolation forest as one: windows in, scores from 0 to 1, shape (n, 1)."""

    def __init__(self, vectors: Network, forest: Network) -> None:
        self._vectors, self._forest = vectors, forest

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return self._vectors.input_shape

    def predict(self, inputs: Float32) -> Float32:
        return self._forest.predict(self._vectors.predict(inputs))


class NoveltyDetectors:
    """The novelty bundles that run beside a cascade. Several threads may call it.

    Of a bundle whose windows are longer than the cascade's, the window that ends with each of the cascade's counts; of
    one with shorter windows, the highest score of those within it.
    """

    def __init__(self, detectors: Sequence[Classifier], *, check: OutputCheck) -> None:
        """`check` counts what fails. Raises BundleError (`bundle_cascade`) if two bundles have the same name."""
        self.detectors, self._check = tuple(detectors), check
        names = [one.name for one in detectors]
        if len(set(names)) < len(names):
            raise BundleError(
                f"Two novelty bundles have the same name: {', '.join(names)}.",
                hint="Train one of them with another --name.",
                code="bundle_cascade",
            )

    def __bool__(self) -> bool:
        return bool(self.detectors)

    @property
    def versions(self) -> dict[str, str]:
        """The version of each bundle, by name."""
        return {one.name: one.manifest.version for one in self.detectors}

    @property
    def specs(self) -> frozenset[InputSpec]:
        """What their networks take."""
        return frozenset(one.manifest.input for one in self.detectors)

    @property
    def longest_window_s(self) -> float:
        """The length of their longest windows; 0 without any."""
        return max((one.window_s for one in self.detectors), default=0.0)

    def lacking_band(self, rate_hz: int) -> str:
        """The bundles that have no score for audio at `rate_hz`, and the rate that each needs, as words."""
        needed = {one.name: required_rate(one.manifest.input) for one in self.detectors}
        lacking = [(name, rate) for name, rate in needed.items() if rate_hz < rate]
        return " and ".join(f"novelty bundle {name}, which needs {rate} Hz or more" for name, rate in lacking)

    def scores(
        self,
        windows: Float32,
        inputs: InputCache,
        source_rates_hz: Sequence[int | None],
        whole: Sequence[bool] | None = None,
    ) -> list[dict[str, float]]:
        """The scores of windows (n, frames), by the name of the bundle; higher is more unusual.

        A bundle is missing where the source lacks the band that it was trained on, where it failed, and as long as less
        was heard than its windows last. Windows that are not `whole` have no scores: silence in place of sound that is
        missing is unusual, but nothing that was heard.
        """
        whole = [True] * len(windows) if whole is None else whole
        found: list[dict[str, float]] = [{} for _ in windows]
        for detector in self.detectors:
            required_hz = required_rate(detector.manifest.input)
            rates = zip(source_rates_hz, whole, strict=True)
            heard = [is_whole and (rate is None or rate >= required_hz) for rate, is_whole in rates]
            rows = np.flatnonzero(np.array(heard, dtype=np.bool_))
            for row, score in self._scores(detector, windows, inputs, rows):
                found[row][detector.name] = score
        return found

    def _scores(
        self, detector: Classifier, windows: Float32, inputs: InputCache, rows: Rows
    ) -> list[tuple[int, float]]:
        spec = detector.manifest.input
        frames = round(spec.window_s * inputs.rate_hz)
        if frames > windows.shape[1]:
            longer = inputs.longer
            rows = np.array([row for row in rows if longer and longer.heard[row] >= frames], dtype=np.intp)
        if not len(rows):
            return []
        parts = windows.shape[1] // frames or 1
        if parts == 1 and frames >= windows.shape[1]:
            seen = inputs.of(spec, rows)
        else:
            cut = windows[rows, -parts * frames :].reshape(len(rows) * parts, frames)
            seen = network_inputs(cut, inputs.rate_hz, spec)
        outputs, fine = self._check.outputs(detector.name, detector.network, seen, 1)
        scores = np.full(len(seen), -np.inf, np.float32)
        scores[fine] = outputs[:, 0]
        highest = scores.reshape(len(rows), parts).max(axis=1)
        return [(row, score) for row, score in zip(rows.tolist(), highest.tolist(), strict=True) if score >= 0]

    def probability(self, scores: Mapping[str, float]) -> float:
        """The share of normal windows that sound less unusual than one with `scores`: of the bundle that finds it the
        most unusual; 0 without a score."""
        return max((normal_share(self._normal(one), scores[one.name]) for one in self._scored(scores)), default=0.0)

    def is_novel(self, scores: Mapping[str, float]) -> bool:
        """Whether a bundle's score reaches its threshold."""
        return any(scores[one.name] >= threshold_of(one) for one in self._scored(scores))

    @property
    def threshold(self) -> float:
        """The lowest probability at which a window is novel."""
        return min((normal_share(self._normal(one), threshold_of(one)) for one in self.detectors), default=1.0)

    def _scored(self, scores: Mapping[str, float]) -> list[Classifier]:
        return [one for one in self.detectors if one.name in scores]

    def _normal(self, detector: Classifier) -> NormalScores:
        assert detector.manifest.novelty is not None
        return detector.manifest.novelty.normal


def threshold_of(detector: Classifier) -> float:
    """The score from which on a novelty bundle finds a window unusual."""
    assert detector.manifest.novelty is not None
    return detector.manifest.novelty.threshold


def normal_share(normal: NormalScores, score: float) -> float:
    """The share of normal windows whose score is lower, interpolated between the known quantiles.

    >>> normal_share(NormalScores(shares=(0.0, 0.5, 1.0), scores=(0.3, 0.4, 0.6), windows=100), 0.5)
    0.75
    """
    return float(np.interp(score, normal.scores, normal.shares))
