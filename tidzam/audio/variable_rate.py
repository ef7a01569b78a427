"""Resampling by a ratio near one that may change at any time, without a click: for correcting the drift of a clock."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tidzam.types import Float32

TAPS = 64
PHASES = 512
PIECE = 1024
"""Frames that are interpolated at once: their kernels fit into a cache of the processor."""
_BETA = 9.0
"""Of the Kaiser window: side lobes of about -90 dB, flat up to 0.91 of the Nyquist frequency."""
_LEFT = TAPS // 2 - 1
"""Samples before the one in whose place an output falls."""
MAX_PPM = 1000.0


class VariableRate:
    """Resamples `channels` channels; `ppm` is by how much more input than output is consumed, in parts per million.

    Band-limited interpolation by a windowed sinc (Smith and Gossett, "A flexible sampling-rate conversion method",
    ICASSP 1984). At 0 ppm from the beginning, the output equals the input bit by bit.

    >>> VariableRate(1).process(np.ones((1, 100), np.float32)).shape
    (1, 68)
    """

    def __init__(self, channels: int) -> None:
        self._held = np.zeros((channels, _LEFT), np.float32)
        self._position = float(_LEFT)
        """Of the next output sample, in `_held` and what follows it."""
        self._ppm = 0.0

    @property
    def ppm(self) -> float:
        return self._ppm

    @ppm.setter
    def ppm(self, ppm: float) -> None:
        self._ppm = min(max(ppm, -MAX_PPM), MAX_PPM)

    @property
    def delay_frames(self) -> int:
        """Frames of input that have not become output yet."""
        return int(self._held.shape[1] - self._position)

    def process(self, samples: Float32) -> Float32:
        """The output for the next `samples`, shape (channels, frames). It is `delay_frames` behind."""
        held = np.concatenate([self._held, samples], axis=1)
        step = 1.0 + self._ppm * 1e-6
        last = held.shape[1] - 1 - TAPS // 2
        count = max(0, int((last - self._position) / step) + 1) if last >= self._position else 0
        positions: NDArray[np.float64] = self._position + step * np.arange(count + 1, dtype=np.float64)
        output = np.empty((len(held), count), np.float32)
        for at in range(0, count, PIECE):
            output[:, at : at + PIECE] = self._interpolate(held, positions[at : min(at + PIECE, count)])
        kept = int(positions[-1]) - _LEFT
        self._held, self._position = held[:, kept:].copy(), float(positions[-1]) - kept
        return output

    def flush(self) -> Float32:
        """The output that is left, as if silence followed."""
        return self.process(np.zeros((len(self._held), TAPS // 2), np.float32))

    def _interpolate(self, held: Float32, positions: NDArray[np.float64]) -> Float32:
        """The signal `held` at `positions`, shape (channels, len(positions))."""
        whole = positions.astype(np.int64)
        phase = (positions - whole) * PHASES
        if not phase.any():
            return np.ascontiguousarray(held[:, whole])
        row = phase.astype(np.int64)
        weight = (phase - row).astype(np.float32)[:, np.newaxis]
        kernels = _TABLE[row] * (1 - weight) + _TABLE[row + 1] * weight
        windows = np.lib.stride_tricks.sliding_window_view(held, TAPS, axis=1)
        output = np.empty((len(held), len(positions)), np.float32)
        # Windows follow one another except where a sample is passed over or used twice: no copy is needed.
        runs = [0, *(np.flatnonzero(np.diff(whole) != 1) + 1).tolist(), len(whole)]
        for begin, end in pairwise(runs):
            first = int(whole[begin]) - _LEFT
            np.einsum(
                "cnt,nt->cn", windows[:, first : first + end - begin], kernels[begin:end], out=output[:, begin:end]
            )
        return output


def _sinc_table() -> Float32:
    """The kernel of each phase, shape (PHASES + 1, TAPS); each has a sum of one, so that a constant stays constant."""
    distance = np.arange(TAPS) - _LEFT - np.arange(PHASES + 1)[:, np.newaxis] / PHASES
    window = np.i0(_BETA * np.sqrt(np.maximum(0.0, 1 - (distance / (TAPS // 2)) ** 2))) / np.i0(_BETA)
    kernels = np.sinc(distance) * window
    kernels[0], kernels[-1] = np.eye(TAPS)[_LEFT], np.eye(TAPS)[_LEFT + 1]
    table: Float32 = (kernels / kernels.sum(axis=1, keepdims=True)).astype(np.float32)
    return table


_TABLE = _sinc_table()
