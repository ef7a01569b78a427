"""The fidelity of a recording: comparison with the signal that was played."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import correlate

from tidzam.types import Float32

BEST_DB = 150.0
"""The signal-to-noise ratio reported for identical samples, in place of infinity."""
BLOCK_S = 0.02
LOW_DB = 40.0


@dataclass(frozen=True)
class Fidelity:
    """`snr_db` is the signal-to-noise ratio of what was recorded; `share` is its part of the signal, without the zeros
    around it.

    `wrong_s` is the duration of the blocks of 20 ms whose own ratio is below 40 dB.
    """

    snr_db: float
    share: float
    wrong_s: float


def fidelity(sound: Float32, tape: Float32, rate_hz: int) -> Fidelity:
    """Find `sound`, shape (frames,), in the longer `tape`, and compare them sample by sample.

    The tape holds zeros from before its recorder was connected and from after the source had ended.
    """
    lag = int(np.argmax(correlate(tape, sound, mode="full", method="fft"))) - (len(sound) - 1)
    first, last = _sounding(tape)
    begin, end = max(lag, first, 0), min(lag + len(sound), last, len(tape))
    if end <= begin:
        return Fidelity(-BEST_DB, 0.0, 0.0)
    first_sounding, last_sounding = _sounding(sound)
    reference, heard = sound[begin - lag : end - lag], tape[begin:end]
    return Fidelity(
        snr_db=snr_db(reference, heard),
        share=min(1.0, (end - begin) / max(1, last_sounding - first_sounding)),
        wrong_s=_wrong_s(reference, heard, int(BLOCK_S * rate_hz)),
    )


def snr_db(reference: Float32, heard: Float32) -> float:
    """The power of `reference` over the power of the difference, in dB."""
    power, noise = (float(np.sum(np.square(x, dtype=np.float64))) for x in (reference, heard - reference))
    if power == 0:
        return BEST_DB if noise == 0 else -BEST_DB
    return float(np.clip(10 * np.log10(power / noise), -BEST_DB, BEST_DB)) if noise else BEST_DB


def _sounding(sound: Float32) -> tuple[int, int]:
    """The first frame that is not zero, and the one after the last."""
    sounding = np.flatnonzero(sound)
    return (int(sounding[0]), int(sounding[-1]) + 1) if len(sounding) else (0, 0)


def _wrong_s(reference: Float32, heard: Float32, block: int) -> float:
    """The duration of the blocks below `LOW_DB`, silent ones excluded."""
    wrong = 0
    for start in range(0, len(reference) - block + 1, block):
        piece = slice(start, start + block)
        if np.any(reference[piece]) and snr_db(reference[piece], heard[piece]) < LOW_DB:
            wrong += 1
    return round(wrong * BLOCK_S, 3)
