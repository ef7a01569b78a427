"""Overlapping windows of a channel, averaged as Tidzam 2019 did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tidzam.results import Analysis
from tidzam.values import changed

_NEGLIGIBLE: Final = 0.001
"""A class whose expert did not run on a window is kept in the mean down to this probability."""


@dataclass(frozen=True)
class _Mean:
    """The mean up to the last window of a channel, which covers `start_s` to `end_s` of the frame clock."""

    start_s: float
    end_s: float
    probabilities: Mapping[str, float]
    remainders: Mapping[str, float]
    waiting: tuple[str, ...]


class WindowAverager:
    """Replaces the probabilities of each window by m(k) = (p(k) + m(k-1)) / 2, and decides on the means.

    p(k) are the probabilities of window k of a channel, m(k-1) the means of the window before it. That counts only if
    the two windows overlap; otherwise m(k) = p(k). It is an exponential moving average with the weight 1/2, the rule of
    Tidzam 2019 (`src/analyzer.py`, github.com/mitmedialab/tidzam). Classes of an expert that did not run, because their
    parent was improbable, count as 0; those of a classifier that was left out are not averaged. When a classifier with
    longer windows has heard enough for its first one, the means begin again.

    Windows of one channel come in the order of their time. `decide` returns the result for the means of a window.
    """

    def __init__(self, decide: Callable[[Analysis], tuple[str, ...]]) -> None:
        self._decide = decide
        self._means: dict[str, _Mean] = {}

    def follow(self, analyses: tuple[Analysis, ...], *, jumped: frozenset[str] = frozenset()) -> tuple[Analysis, ...]:
        """The next window of each channel. The means of other channels, and of those in `jumped`, are forgotten."""
        before = self._means
        self._means = {}
        return tuple(self._next(one, None if one.channel in jumped else before.get(one.channel)) for one in analyses)

    def _next(self, analysis: Analysis, before: _Mean | None) -> Analysis:
        start_s, end_s = analysis.start_s, analysis.start_s + analysis.duration_s
        if before is None or before.waiting != analysis.waiting or not before.start_s < start_s < before.end_s:
            averaged = analysis
        else:
            averaged = _averaged(analysis, before)
            averaged = changed(averaged, result=self._decide(averaged))
        mean = _Mean(start_s, end_s, averaged.probabilities, averaged.remainders, analysis.waiting)
        self._means[analysis.channel] = mean
        return averaged


def _averaged(analysis: Analysis, before: _Mean) -> Analysis:
    """The means of a window and of what was before it."""
    can_fade = not analysis.left_out
    probabilities = _mean(analysis.probabilities, before.probabilities, can_fade=can_fade)
    nodes = {*analysis.remainders, *before.remainders} if can_fade else {*analysis.remainders}
    remainders = _mean(
        _remainders(nodes, analysis.remainders, analysis.probabilities),
        _remainders(nodes, before.remainders, before.probabilities),
        can_fade=False,
    )
    kept = {node: value for node, value in remainders.items() if node in probabilities or node in analysis.remainders}
    return changed(analysis, probabilities=probabilities, remainders=kept)


def _mean(values: Mapping[str, float], before: Mapping[str, float], *, can_fade: bool) -> dict[str, float]:
    """The means of two windows. Names that only `before` has fade to 0 if they can, else they are left out."""
    means = {name: (value + before.get(name, 0.0)) / 2 for name, value in values.items()}
    if can_fade:
        faded = {name: value / 2 for name, value in before.items() if name not in values}
        means |= {name: value for name, value in faded.items() if value >= _NEGLIGIBLE}
    return means


def _remainders(
    nodes: Iterable[str], known: Mapping[str, float], probabilities: Mapping[str, float]
) -> dict[str, float]:
    """The remainders of classes; all of a class whose experts did not run."""
    return {node: known.get(node, probabilities.get(node, 0.0)) for node in nodes}
