"""Differences of arrival times, measured on synthesized calls at two microphones."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import chirp

from tidzam.audio.arrival import MOST_FRAMES, arrival_difference
from tidzam.demo.voices import bullfrog, chickadee, peeper, sparrow, warbler
from tidzam.types import Float32

RATE_HZ = 16000


def call(rate_hz: int = RATE_HZ) -> Float32:
    """A call of 0.3 s that rises from 1.5 to 5 kHz."""
    seconds = np.arange(round(0.3 * rate_hz)) / rate_hz
    return (0.3 * np.hanning(len(seconds)) * chirp(seconds, 1500, seconds[-1], 5000)).astype(np.float32)


def microphones(
    delay_s: float, *, noise: float = 0.005, seconds: float = 1.0, rate_hz: int = RATE_HZ, gain: float = 0.3
) -> tuple[Float32, Float32]:
    """A window of two microphones: the second hears the call later, and more quietly."""
    rng = np.random.default_rng(7)
    heard = [noise * rng.standard_normal(round(seconds * rate_hz)) for _ in range(2)]
    first = round(0.35 * seconds * rate_hz)
    second = first + round(delay_s * rate_hz)
    heard[0][first : first + len(call(rate_hz))] += call(rate_hz)
    heard[1][second : second + len(call(rate_hz))] += gain * call(rate_hz)
    return heard[0].astype(np.float32), heard[1].astype(np.float32)


@given(delay_ms=st.floats(-300, 300))
@settings(deadline=None, max_examples=40)
def test_the_delay_of_a_call_is_found_to_a_tenth_of_a_millisecond(delay_ms: float) -> None:
    found = arrival_difference(*microphones(delay_ms / 1000), RATE_HZ, max_s=0.35)
    assert found is not None
    assert found.delay_s == pytest.approx(delay_ms / 1000, abs=1e-4)


@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000])
def test_it_is_found_at_the_rates_of_recordings(rate_hz: int) -> None:
    found = arrival_difference(*microphones(0.0123, rate_hz=rate_hz), rate_hz, max_s=0.5)
    assert found is not None
    assert found.delay_s == pytest.approx(0.0123, abs=1e-4)


def test_it_is_found_in_the_loudest_part_of_a_long_window() -> None:
    first, second = microphones(0.05, seconds=6 * MOST_FRAMES / RATE_HZ, noise=0.001)
    found = arrival_difference(first, second, RATE_HZ, max_s=0.5)
    assert found is not None
    assert found.delay_s == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize("voice", [chickadee, sparrow, warbler, bullfrog, peeper])
def test_the_delays_of_the_voices_of_the_demo_are_found(voice: Callable[..., Float32]) -> None:
    sound = voice(np.random.default_rng(5), 44100, 1.0)[:44100]
    heard = np.random.default_rng(6).normal(0, 1e-3, (2, 50000)).astype(np.float32)
    heard[0, : len(sound)] += 0.2 * sound / np.abs(sound).max()
    heard[1, 1000 : 1000 + len(sound)] += 0.1 * sound / np.abs(sound).max()
    found = arrival_difference(heard[0], heard[1], 44100, max_s=0.5)
    assert found is not None
    assert found.delay_s == pytest.approx(1000 / 44100, abs=1e-3)


def test_an_echo_does_not_count() -> None:
    first, second = microphones(0.02)
    second = second + 0.5 * np.roll(second, round(0.1 * RATE_HZ))
    found = arrival_difference(first, second, RATE_HZ, max_s=0.5)
    assert found is not None
    assert found.delay_s == pytest.approx(0.02, abs=1e-4)


def test_beyond_the_range_nothing_is_measured() -> None:
    assert arrival_difference(*microphones(0.25), RATE_HZ, max_s=0.1) is None


@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=40)
def test_independent_noise_has_no_delay(seed: int) -> None:
    one, other = np.random.default_rng(seed).standard_normal((2, RATE_HZ)).astype(np.float32)
    assert arrival_difference(one, other, RATE_HZ, max_s=0.5) is None


def test_a_periodic_tone_has_no_delay() -> None:
    seconds = np.arange(RATE_HZ) / RATE_HZ
    tone = np.sin(2 * np.pi * 440 * seconds).astype(np.float32)
    assert arrival_difference(tone, np.roll(tone, 9), RATE_HZ, max_s=0.5) is None


def test_silence_has_no_delay() -> None:
    silence = np.zeros(RATE_HZ, np.float32)
    assert arrival_difference(silence, silence, RATE_HZ, max_s=0.5) is None
    assert arrival_difference(call(), np.zeros_like(call()), RATE_HZ, max_s=0.5) is None


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_a_window_of_hardly_any_frames_has_no_delay(frames: int) -> None:
    window = np.ones(frames, np.float32)
    assert arrival_difference(window, window, RATE_HZ, max_s=0.5) is None
