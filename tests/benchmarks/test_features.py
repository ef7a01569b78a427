"""The ways that `bench features` compares compute the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.features import SPEC, Reference, difference, scipy_way
from tidzam.audio.features import extract


def test_scipys_spectrogram_gives_the_features_of_tidzam() -> None:
    channel = np.random.default_rng(1).normal(0, 0.1, SPEC.window_samples).astype(np.float32)
    found = scipy_way(Reference(SPEC))(channel)
    assert difference(found[None], extract(channel[None], SPEC)) < 1e-4


def test_a_difference_is_that_of_powers() -> None:
    ten, more = np.array([-20.0]), np.array([-20.0 + 10 * np.log10(1.01)])
    assert difference(more, ten) == pytest.approx(0.01)
