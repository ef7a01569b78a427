"""The spectrogram of the last seconds of a sound, column by column, as brightness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.types import Float32

COLUMNS_PER_S: Final = 64
_FFT: Final = 1024
_WINDOW: Final = np.hanning(_FFT + 1)[:-1].astype(np.float32)
_RANGE_DB: Final = 70.0
_DECAY_DB: Final = 0.01
"""By how much the level that is shown brightest falls with each column, until a louder sound raises it."""
_FIRST_DB, _LOWEST_DB = 10.0, -20.0
"""That level at the beginning and at least: a sine of full scale has 48 dB."""


class RollingSpectrogram:
    """Reads `blocks` (n, channels) at `rate_hz` as far as it is asked to, and keeps the last `columns` columns.

    Column k is that of the 1024 samples from second k / COLUMNS_PER_S on; `rows` are linear from 0 to half the rate.
    """

    def __init__(self, blocks: Iterator[Float32], rate_hz: int, channels: int, *, rows: int, columns: int) -> None:
        self._blocks, self._rate_hz = blocks, rate_hz
        self._samples = np.zeros((channels, 0), np.float32)
        self._first_frame = 0
        self._next = 0
        self._top_db = np.full(channels, _FIRST_DB, np.float32)
        self._bins = np.linspace(0, _FFT // 2 + 1, rows + 1).astype(int)[:-1]
        self._image = np.zeros((channels, rows, columns), np.uint8)
        self._has_ended = False

    def read_until(self, seconds: float) -> None:
        """Read the sound up to a position, or to its end."""
        while not self._has_ended and self._next <= seconds * COLUMNS_PER_S:
            self._read_column(round(self._next * self._rate_hz / COLUMNS_PER_S))

    def _read_column(self, start: int) -> None:
        while start + _FFT > self._first_frame + self._samples.shape[1]:
            block = next(self._blocks, None)
            if block is None:
                self._has_ended = True
                return
            self._samples = np.concatenate([self._samples[:, start - self._first_frame :], block.T], axis=1)
            self._first_frame = start
        piece = self._samples[:, start - self._first_frame :][:, :_FFT]
        power = np.abs(np.fft.rfft(piece * _WINDOW, axis=1)) ** 2
        levels = 10 * np.log10(np.maximum.reduceat(power, self._bins, axis=1) + 1e-12)
        self._top_db = np.maximum(np.maximum(self._top_db - _DECAY_DB, _LOWEST_DB), levels.max(axis=1))
        bright = np.clip(1 + (levels - self._top_db[:, None]) / _RANGE_DB, 0, 1)
        self._image[:, :, self._next % self._image.shape[2]] = (255 * bright[:, ::-1]).astype(np.uint8)
        self._next += 1

    def has_passed(self, seconds: float) -> bool:
        """Whether a position is past the end of the sound, as far as it was read."""
        return self._has_ended and seconds * COLUMNS_PER_S > self._next

    def view(self, end_s: float) -> NDArray[np.uint8]:
        """The brightness of the columns before `end_s`, shape (channels, rows, columns), the highest pitch on top.

        Columns before the beginning and past the end are 0.
        """
        columns = self._image.shape[2]
        last = int(end_s * COLUMNS_PER_S)
        numbers = np.arange(last - columns, last)
        known = (numbers >= 0) & (numbers < self._next) & (numbers >= self._next - columns)
        shown: NDArray[np.uint8] = self._image[:, :, numbers % columns] * known
        return shown
