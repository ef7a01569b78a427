"""The ratio of two normal densities."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trainer.openset import normal_ratio
from trainer.openset.normal_ratio import NormalRatio

TAGS = np.eye(2)[np.arange(60) // 30]


def windows() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(TAGS @ [[3.0, 0, 0], [0, 3.0, 0]], 0.5)


def test_it_is_twice_the_logarithm_of_the_ratio_of_densities(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.stats import multivariate_normal

    monkeypatch.setattr(normal_ratio, "SHRINKAGE", 0.0)
    values = windows()
    means = np.stack([values[:30].mean(axis=0), values[30:].mean(axis=0)])
    within = np.cov((values - TAGS @ means).T, bias=True)
    everything = multivariate_normal(values.mean(axis=0), np.cov(values.T, bias=True))
    tags = [multivariate_normal(mean, within) for mean in means]
    expected = np.column_stack([2 * (tag.logpdf(values) - everything.logpdf(values)) for tag in tags])
    difference = NormalRatio.fit(values, TAGS, values)(values) - expected
    assert difference == pytest.approx(np.full((60, 2), difference[0, 0]))


def test_the_principal_axes_and_curvatures_are_those_of_the_matrix() -> None:
    found = NormalRatio.fit(windows(), TAGS, windows())
    axes, curvatures = found.principal()
    assert axes @ np.diag(curvatures) @ axes.T == pytest.approx(found.curvature)


def test_what_is_far_from_all_tags_has_a_low_ratio() -> None:
    found = NormalRatio.fit(windows(), TAGS, windows())
    assert found(np.array([[0.0, 0, 6]])).max() < found(windows()).max(axis=1).min()
