"""The voice of the theremin: one tone whose pitch and loudness glide to where they are to be. Pure.

The waveform is sin x + 0.3 sin 2x + 0.1 sin 3x, which crosses zero upwards exactly once per period, so that its pitch
can be measured in the recording by these crossings.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.types import Float32

GLIDE_S: Final = 0.008
"""Time constant of the glide: most of an interval is covered in 10 ms, and no click is heard."""
FADE_S: Final = 0.012
LEVEL: Final = 0.35
"""Peak amplitude, roughly, at full loudness."""
MAX_FRAMES: Final = 8192
"""The longest cycle of JACK."""


class Voice:
    """A tone without gaps or clicks: its phase runs on, whatever happens to the pitch.

    `play` allocates no memory: it is called in JACK's real-time thread.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._octave = self._target = math.log2(440.0)
        self._level = self._loudness = 0.0
        self._phase = 0.0
        self._glide = _decay(GLIDE_S, rate_hz)
        self._fade = _decay(FADE_S, rate_hz)
        self._buffers = np.zeros((4, MAX_FRAMES))

    def set(self, frequency_hz: float, loudness: float) -> None:
        """Glide to another pitch and loudness (0 to 1). A tone that begins after silence begins at its pitch."""
        self._target, self._loudness = math.log2(frequency_hz), loudness
        if self._level < 1e-4:
            self._octave = self._target

    def release(self) -> None:
        """Fade out, at the same pitch."""
        self._loudness = 0.0

    def play(self, out: Float32) -> None:
        """Fill `out`, shape (frames,), with what follows the samples before."""
        frames = len(out)
        phase, level, wave, more = self._buffers[:, :frames]
        self._octave = _approach(phase, self._octave, self._target, self._glide)
        np.exp2(phase, out=phase)
        np.cumsum(phase, out=phase)
        phase *= 1 / self._rate_hz
        phase += self._phase
        self._phase = float(phase[-1]) % 1.0
        self._level = _approach(level, self._level, self._loudness, self._fade)
        phase *= 2 * math.pi
        np.sin(phase, out=wave)
        for number, share in ((2, 0.3), (3, 0.1)):
            np.multiply(phase, number, out=more)
            np.sin(more, out=more)
            more *= share
            wave += more
        wave *= level
        np.multiply(wave, LEVEL, out=out, casting="same_kind")


def _decay(time_constant_s: float, rate_hz: int) -> NDArray[np.float64]:
    """What is left of a distance after 1, 2, … frames."""
    return np.exp(-np.arange(1, MAX_FRAMES + 1) / (time_constant_s * rate_hz))


def _approach(out: NDArray[np.float64], now: float, target: float, decay: NDArray[np.float64]) -> float:
    """Write the way from `now` towards `target` to `out`; returns where it ends."""
    np.multiply(decay[: len(out)], now - target, out=out)
    out += target
    return float(out[-1])
