"""The object filter: whether a sound begins and ends within its window, clear of the window's edges."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import scipy.fft

from tidzam.types import Float32

EDGE: Final = 0.125
"""The share of a window that is an edge, on either side."""
MOST_AT_EDGES: Final = 0.1
"""The maximum share of a sound's energy at both edges together; of a steady sound it is 0.25."""
LEAST_SOUND: Final = 0.05
"""The minimum share of a window's energy that is a sound; of noise, chance lifts less above the background."""
_FRAMES: Final = 64
_QUIET: Final = 0.2
_QUIET_FRAME: Final = round(_QUIET * (_FRAMES - 1))
"""The number of the frame that a fifth of all are quieter than."""
_ABOVE_BACKGROUND: Final = 8.0


@cache
def _hann(frame: int) -> Float32:
    return np.hanning(frame).astype(np.float32)


def stands_clear(samples: Float32) -> bool:
    """Whether the sound in a window (frames,) stands clear of its edges.

    The sound is what rises above the background: in each frequency of a spectrogram with 64 frames, the energy of those
    that are 9 dB above it. The background is the mean power of noise whose quietest fifth is as loud as that of the
    window: the power of noise is distributed exponentially, so that it is the 0.2-quantile divided by -ln 0.8. A window
    without such a sound is not kept, which holds for silence, steady noise and a sound that fills it. Tidzam 2019
    compares the energy at the edges with that of the window in the same way, above a fixed level.
    """
    frame = len(samples) // _FRAMES
    if frame < 2:
        return False
    pieces = samples[: frame * _FRAMES].reshape(_FRAMES, frame) * _hann(frame)
    spectra = scipy.fft.rfft(pieces, axis=1)  # of float32, unlike NumPy's
    power = np.square(spectra.real) + np.square(spectra.imag)
    background = np.partition(power, _QUIET_FRAME, axis=0)[_QUIET_FRAME] / np.float32(-np.log(1 - _QUIET))
    energy = np.where(power > _ABOVE_BACKGROUND * background, power - background, 0.0).sum(axis=1)
    if energy.sum() <= LEAST_SOUND * power.sum():
        return False
    edge = round(EDGE * _FRAMES)
    at_edges = energy[:edge].sum() + energy[-edge:].sum()
    return bool(at_edges < MOST_AT_EDGES * energy.sum())
