"""Inputs of networks: computed once per spec, resampled once per rate."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soxr

from tests.support.classifiers import SPEC
from tidzam.audio.waveform import InputSpec, WaveformSpec
from tidzam.audio.windows import network_inputs
from tidzam.inference.input_cache import InputCache
from tidzam.types import Float32

RATE_HZ = 24000
FINER = replace(SPEC, n_mels=12)
WAVEFORM = WaveformSpec(rate_hz=SPEC.rate_hz, window_s=SPEC.window_s, fmax_hz=4000.0)
SPECS = (SPEC, FINER, WAVEFORM)
WINDOWS: Float32 = np.random.default_rng(0).normal(0, 0.1, (6, round(SPEC.window_s * RATE_HZ))).astype(np.float32)


def some(*rows: int) -> np.ndarray:
    return np.array(rows, dtype=np.intp)


@pytest.fixture
def resampled(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The first sample of each window that soxr resamples."""
    firsts, real = list[float](), soxr.resample

    def noted(samples: Float32, *args: Any, **options: Any) -> Any:
        firsts.extend(samples[0].tolist())
        return real(samples, *args, **options)

    monkeypatch.setattr(soxr, "resample", noted)
    return firsts


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("rows", [some(0, 1, 2, 3, 4, 5), some(1, 4), some(3)])
def test_inputs_are_those_of_single_windows(spec: InputSpec, rows: np.ndarray) -> None:
    found = InputCache(WINDOWS, RATE_HZ, SPECS).of(spec, rows)
    np.testing.assert_allclose(found, network_inputs(WINDOWS[rows], RATE_HZ, spec), atol=1e-4)


def test_rows_may_be_requested_one_after_the_other() -> None:
    cache = InputCache(WINDOWS, RATE_HZ, SPECS)
    for rows in (some(1), some(1, 4), some(0, 1, 2, 3, 4, 5)):
        np.testing.assert_allclose(cache.of(SPEC, rows), network_inputs(WINDOWS[rows], RATE_HZ, SPEC), atol=1e-4)


def test_specs_of_one_rate_and_length_share_resampled_windows(resampled: list[float]) -> None:
    cache = InputCache(WINDOWS, RATE_HZ, SPECS)
    cache.of(SPEC, some(0, 1, 2, 3, 4, 5))
    cache.of(FINER, some(2, 3))
    cache.of(WAVEFORM, some(4))
    assert resampled == WINDOWS[:, 0].tolist()


def test_a_row_is_resampled_once(resampled: list[float]) -> None:
    cache = InputCache(WINDOWS, RATE_HZ, SPECS)
    cache.of(SPEC, some(1))
    cache.of(FINER, some(1, 2, 3))
    assert resampled == WINDOWS[1:4, 0].tolist()
