"""The object filter: sounds that begin and end within their window are kept."""

import numpy as np
import pytest

from analyzer.clips.object_filter import stands_clear
from tests.support.sound import tone
from tidzam.types import Float32

RATE_HZ = 16000


def heard(start_s: float, end_s: float, *, background: float = 0.01, seed: int = 1) -> Float32:
    """A tone in a window of a second of noise."""
    samples = np.random.default_rng(seed).normal(0, background, RATE_HZ).astype(np.float32)
    first, last = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
    samples[first:last] += tone(1000, rate_hz=RATE_HZ)[: last - first]
    return samples


@pytest.mark.parametrize("place", [(0.2, 0.5), (0.4, 0.6), (0.3, 0.8), (0.48, 0.52)])
def test_a_sound_within_the_window_is_kept(place: tuple[float, float]) -> None:
    assert stands_clear(heard(*place))


@pytest.mark.parametrize("place", [(0.0, 0.3), (0.7, 1.0), (0.0, 1.0), (0.02, 0.1)])
def test_a_sound_that_an_edge_cuts_is_not(place: tuple[float, float]) -> None:
    assert not stands_clear(heard(*place))


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_is_not_kept(seed: int) -> None:
    assert not stands_clear(heard(0.0, 0.0, seed=seed))


@pytest.mark.parametrize("samples", [np.zeros(RATE_HZ), np.zeros(0), np.ones(3)])
def test_silence_is_not_kept(samples: Float32) -> None:
    assert not stands_clear(np.asarray(samples, np.float32))


def test_the_level_does_not_matter() -> None:
    samples = heard(0.3, 0.6)
    assert stands_clear(samples * np.float32(1e-3))
