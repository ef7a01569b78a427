"""A small real pipeline for tests: it names the strongest frequency of each window."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from tidzam.errors import AudioError
from tidzam.labels import LabelTree
from tidzam.results import Analysis, WindowBatch

LABELS = LabelTree.flat(("silence", *(f"tone-{hz}" for hz in range(0, 24_001, 4))))
"""The results for windows of 0.25 s."""


class PitchPipeline:
    """The result is `tone-440` for a 440 Hz tone, `silence` without a tone, each with `probability`."""

    def __init__(self, *, window_s: float = 0.25, needs_hz: int = 8000, probability: float = 1.0) -> None:
        self.window_s = self.longest_window_s = window_s
        self._probability = probability
        self._needs_hz = needs_hz

    def check_rate(self, rate_hz: int) -> None:
        if rate_hz < self._needs_hz:
            raise AudioError(f"{rate_hz} Hz is not enough.", code="sample_rate")

    def analyze(self, batch: WindowBatch) -> tuple[Analysis, ...]:
        frames = batch.samples.shape[1]
        length = timedelta(seconds=frames / batch.rate_hz)
        power = np.abs(np.fft.rfft(batch.samples * np.hanning(frames), axis=1))
        return tuple(
            Analysis(
                channel=channel,
                start=batch.starts[row],
                end=batch.starts[row] + length,
                start_frame=batch.start_frame,
                result=(name := _name(power[row], batch.rate_hz / frames),),
                probabilities={name: self._probability},
                level_dbfs=0.0,
                gap_frames=batch.gap_frames[row],
                rate_hz=batch.rate_hz,
            )
            for row, channel in enumerate(batch.channels)
        )


def _name(power: np.ndarray, hz_per_bin: float) -> str:
    peak = int(power.argmax())
    return f"tone-{round(peak * hz_per_bin)}" if power[peak] > 1 else "silence"
