"""The inputs that windows give to networks: features and waveforms, computed once and shared by the classifiers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.waveform import InputSpec
from tidzam.audio.windows import network_inputs
from tidzam.inference.longer_windows import LongerWindows, Rows
from tidzam.types import Float32


class InputCache:
    """The inputs that some windows give to networks, computed once per spec, for the rows that are requested.

    Specs with longer windows take them from `longer`.
    """

    def __init__(self, windows: Float32, rate_hz: int, longer: LongerWindows | None = None) -> None:
        self._windows = windows
        self.rate_hz, self.longer = rate_hz, longer
        self._inputs: dict[InputSpec, Float32] = {}
        self._done: dict[InputSpec, NDArray[np.bool_]] = {}

    def of(self, spec: InputSpec, rows: Rows) -> Float32:
        """The inputs of `rows`, shape (len(rows), *spec.shape)."""
        count = len(self._windows)
        if len(rows) == count and spec not in self._inputs:  # most often: nothing is copied
            self._done[spec] = np.ones(count, dtype=np.bool_)
            return self._inputs.setdefault(spec, network_inputs(self._of(spec, rows), self.rate_hz, spec))
        inputs = self._inputs.setdefault(spec, np.empty((count, *spec.shape), dtype=np.float32))
        done = self._done.setdefault(spec, np.zeros(count, dtype=np.bool_))
        fresh = rows[~done[rows]]
        if len(fresh):
            inputs[fresh] = network_inputs(self._of(spec, fresh), self.rate_hz, spec)
            done[fresh] = True
        return inputs if len(rows) == count else inputs[rows]

    def _of(self, spec: InputSpec, rows: Rows) -> Float32:
        """The windows of a spec in some rows, shape (len(rows), frames)."""
        frames = round(spec.window_s * self.rate_hz)
        if self.longer is not None and frames > self._windows.shape[1]:
            return self.longer.windows(rows, frames)
        return self._windows if len(rows) == len(self._windows) else self._windows[rows]
