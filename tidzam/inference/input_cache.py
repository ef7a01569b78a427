"""The inputs that windows give to networks: features and waveforms, computed once and shared by the classifiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.resample import resample
from tidzam.audio.waveform import InputSpec
from tidzam.audio.windows import network_inputs
from tidzam.inference.longer_windows import LongerWindows, Rows
from tidzam.types import Float32


class InputCache:
    """The inputs that some windows give to networks, computed once per spec, for the rows that are requested.

    Specs with longer windows take them from `longer`. Those of `specs` that share a rate and a length share resampled
    windows.
    """

    def __init__(
        self, windows: Float32, rate_hz: int, specs: Iterable[InputSpec] = (), *, longer: LongerWindows | None = None
    ) -> None:
        self._windows = windows
        self.rate_hz, self.longer = rate_hz, longer
        self._inputs: dict[InputSpec, _Filled] = {}
        self._resampled: dict[tuple[int, float], _Filled] = {}
        shared = Counter((spec.rate_hz, spec.window_s) for spec in specs if spec.rate_hz != rate_hz)
        self._shared = {key for key, count in shared.items() if count > 1}

    def of(self, spec: InputSpec, rows: Rows) -> Float32:
        """The inputs of `rows`, shape (len(rows), *spec.shape)."""
        filled = self._inputs.setdefault(spec, _Filled(len(self._windows)))
        return filled.of(rows, lambda wanted: self._made(spec, wanted))

    def _made(self, spec: InputSpec, rows: Rows) -> Float32:
        key = (spec.rate_hz, spec.window_s)
        if key not in self._shared:
            return network_inputs(self._of(spec, rows), self.rate_hz, spec)
        filled = self._resampled.setdefault(key, _Filled(len(self._windows)))
        samples = filled.of(rows, lambda wanted: resample(self._of(spec, wanted), self.rate_hz, spec.rate_hz))
        return network_inputs(samples, spec.rate_hz, spec)

    def _of(self, spec: InputSpec, rows: Rows) -> Float32:
        """The windows of a spec in some rows, shape (len(rows), frames)."""
        frames = round(spec.window_s * self.rate_hz)
        if self.longer is not None and frames > self._windows.shape[1]:
            return self.longer.windows(rows, frames)
        return self._windows if len(rows) == len(self._windows) else self._windows[rows]


class _Filled:
    """An array with a value per row, each computed when it is first requested."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._values: Float32 | None = None
        self._done: NDArray[np.bool_] = np.zeros(count, dtype=np.bool_)

    def of(self, rows: Rows, compute: Callable[[Rows], Float32]) -> Float32:
        """The values of `rows`, ascending; `compute` returns those of some rows."""
        fresh = rows[~self._done[rows]]
        if len(fresh):
            self._add(fresh, compute(fresh))
        assert self._values is not None
        return self._values if len(rows) == self._count else self._values[rows]

    def _add(self, rows: Rows, values: Float32) -> None:
        if len(rows) == self._count:  # most often: nothing is copied
            self._values = values
        else:
            if self._values is None:
                self._values = np.empty((self._count, *values.shape[1:]), dtype=np.float32)
            self._values[rows] = values
        self._done[rows] = True
