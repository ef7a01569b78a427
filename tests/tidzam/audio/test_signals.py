"""Test signals: level, frequency, continuity."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from tests.support.sound import loudest_hz, tone_breaks
from tidzam.audio.signals import Noise, Signal, Silence, Tone
from tidzam.types import Float32

RATE_HZ = 44100


def second(signal: Signal, channels: int = 2) -> Float32:
    return np.concatenate(list(islice(signal.blocks(channels, RATE_HZ, 4410), 10)))


def test_a_tone_has_its_frequency_and_peak_on_every_channel() -> None:
    samples = second(Tone(1000.0, -20.0), 3)
    assert samples.shape == (RATE_HZ, 3)
    assert [loudest_hz(channel, RATE_HZ) for channel in samples.T] == [1000, 1000, 1000]
    assert np.abs(samples).max() == pytest.approx(0.1, rel=1e-3)


def test_a_tone_has_no_break_between_blocks() -> None:
    assert not tone_breaks(second(Tone(997.3, -6.0))[:, 0], 997.3, RATE_HZ)


def test_noise_has_its_rms_level_and_independent_channels() -> None:
    samples = second(Noise(-30.0, seed=1))
    assert 20 * np.log10(np.sqrt(np.mean(samples**2))) == pytest.approx(-30, abs=0.1)
    assert abs(np.vdot(samples[:, 0], samples[:, 1])) < 0.02 * np.vdot(samples[:, 0], samples[:, 0])


def test_noise_at_full_scale_is_clipped() -> None:
    assert np.abs(second(Noise(0.0, seed=1))).max() == 1.0


def test_the_seed_decides_on_the_noise() -> None:
    assert np.array_equal(second(Noise(-30.0, seed=1)), second(Noise(-30.0, seed=1)))
    assert not np.array_equal(second(Noise(-30.0, seed=1)), second(Noise(-30.0, seed=2)))


def test_silence_is_digital() -> None:
    assert not second(Silence()).any()
