"""What the scores of normal audio say: their quantiles, and the threshold. Pure functions."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tidzam.bundle import NormalScores
from tidzam.errors import DatasetError
from tidzam.text import plural

_SHARES: Final = (
    *np.linspace(0, 0.9, 37).round(4).tolist(),
    *np.linspace(0.91, 0.99, 9).round(4).tolist(),
    *np.linspace(0.991, 0.999, 9).round(4).tolist(),
    *np.linspace(0.9991, 0.9999, 9).round(4).tolist(),
)


def normal_scores(scores: NDArray[Any]) -> NormalScores:
    """The quantiles of the scores (n,) of normal audio, finer towards the highest. The highest score of all counts as
    the share n / (n + 1): a higher one is possible."""
    last = len(scores) / (len(scores) + 1)
    shares = [share for share in _SHARES if share < last]
    quantiles = np.quantile(np.asarray(scores, np.float64), shares)
    return NormalScores(
        shares=(*shares, round(last, 8)),
        scores=tuple(float(value) for value in (*quantiles.round(8), np.max(scores).round(8))),
        windows=len(scores),
    )


def threshold_at(scores: NDArray[Any], share: float) -> float:
    """The score that the given share of scores (n,) exceeds. Raises DatasetError if there are too few for that."""
    if share * len(scores) < 1:
        raise DatasetError(
            f"{plural(len(scores), 'window')} of normal audio cannot show which score a share of {share:.2g} exceeds; "
            f"at least {1 / share:.0f} are needed.",
            hint="Give more audio, or allow more alarms.",
        )
    return float(np.quantile(np.asarray(scores, np.float64), 1 - share).round(8))
