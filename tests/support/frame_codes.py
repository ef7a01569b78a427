"""Samples that are a function of the JACK clock, by which a test recognizes the frame that each belongs to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tidzam.types import Float32

Signal = Callable[[int, int], Float32]
"""From a frame of the JACK clock and a length to the samples there."""

CODE_RANGE = 1 << 22  # a float32 represents whole numbers below this exactly, with a channel number added as well
FRAME_CODE = "code"
"""In place of a tone's frequency: `frame_code`."""
RAMP = "ramp"
"""In place of a tone's frequency: `ramp`."""
NOISE = "noise"
"""In place of a tone's frequency: `noise`."""
RAMP_STEPS = 1 << 15


def frame_code(frame: int, length: int) -> Float32:
    """Samples that encode the number of their frame."""
    return np.asarray((frame + np.arange(length)) % CODE_RANGE, np.float32)


def ramp(frame: int, length: int) -> Float32:
    """Samples that encode the number of their frame, modulo RAMP_STEPS, exactly in 16 bits: from 0 to below 1."""
    return np.asarray((frame + np.arange(length)) % RAMP_STEPS / RAMP_STEPS, np.float32)


def noise(frame: int, length: int) -> Float32:
    """White noise at -40 dB, that of `tests.support.novelty.noise` at its mean level."""
    return np.asarray(0.01 * np.random.default_rng(frame).standard_normal(length), np.float32)


def tone(frequency_hz: float, rate_hz: int, *, amplitude: float = 0.5) -> Signal:
    """A sine whose phase follows the frame clock."""

    def signal(frame: int, length: int) -> Float32:
        phase = (frame + np.arange(length)) * (2 * np.pi * frequency_hz / rate_hz)
        return np.asarray(amplitude * np.sin(phase), np.float32)

    return signal
