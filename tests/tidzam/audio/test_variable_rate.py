"""Resampling by a variable ratio near one, compared with the signals that have to come out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tidzam.audio.variable_rate import VariableRate
from tidzam.types import Float32

RATE_HZ = 48000


def sine(frequency_hz: float, positions: NDArray[np.float64]) -> Float32:
    return np.sin(2 * np.pi * frequency_hz / RATE_HZ * positions).astype(np.float32)


def in_chunks(resampler: VariableRate, samples: Float32, frames: int = 997) -> Float32:
    chunks = [resampler.process(samples[:, at : at + frames]) for at in range(0, samples.shape[1], frames)]
    return np.concatenate([*chunks, resampler.flush()], axis=1)


def test_without_a_correction_the_output_is_the_input_bit_by_bit() -> None:
    samples = np.random.default_rng(1).normal(size=(3, 5000)).astype(np.float32)
    assert np.array_equal(in_chunks(VariableRate(3), samples), samples)


@pytest.mark.parametrize("ppm", [200.0, -200.0, 1000.0])
@pytest.mark.parametrize("frequency_hz", [1000.0, 18000.0])
def test_a_tone_keeps_its_form_within_80_db(ppm: float, frequency_hz: float) -> None:
    resampler = VariableRate(1)
    resampler.ppm = ppm
    output = in_chunks(resampler, sine(frequency_hz, np.arange(RATE_HZ, dtype=np.float64))[np.newaxis])[0]
    expected = sine(frequency_hz, np.arange(len(output), dtype=np.float64) * (1 + ppm * 1e-6))
    assert np.abs(output - expected)[100:-100].max() < 1e-4


def test_the_length_changes_by_the_correction() -> None:
    resampler = VariableRate(2)
    resampler.ppm = 500.0
    assert abs(in_chunks(resampler, np.ones((2, 1_000_000), np.float32)).shape[1] - 999_500) <= 1


def test_a_change_of_the_ratio_leaves_no_trace() -> None:
    resampler, tone = VariableRate(1), sine(440.0, np.arange(RATE_HZ, dtype=np.float64))[np.newaxis]
    outputs = []
    for index, at in enumerate(range(0, RATE_HZ, 960)):
        resampler.ppm = (0.0, 0.0, 150.0, -800.0)[index % 4]
        outputs.append(resampler.process(tone[:, at : at + 960]))
    step = np.diff(np.concatenate(outputs, axis=1)[0][100:])
    assert np.abs(np.diff(step)).max() < 1.01 * (2 * np.pi * 440 / RATE_HZ) ** 2 * 1.002


def test_a_correction_is_at_most_a_tenth_of_a_percent() -> None:
    resampler = VariableRate(1)
    resampler.ppm = 5000.0
    assert resampler.ppm == 1000.0
    resampler.ppm = -5000.0
    assert resampler.ppm == -1000.0


def test_channels_stay_apart() -> None:
    resampler = VariableRate(2)
    resampler.ppm = 300.0
    samples = np.zeros((2, 4000), np.float32)
    samples[1] = 1.0
    output = in_chunks(resampler, samples)
    assert not output[0].any()
    assert np.allclose(output[1, 100:-100], 1.0, atol=1e-6)
