"""Sound that is hard on arithmetic, as faulty recorders, plug-ins and decoders produce it. Functions of the frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.support.frame_codes import Signal
from tidzam.types import Float32

_PERIOD: Final = 100
"""Frames of a period of the tones: 480 Hz at 48 kHz."""
_JUMP: Final = 6000
"""Frames until the level changes."""


def _sine(frames: NDArray[np.int64], amplitude: float = 0.5) -> NDArray[np.float64]:
    return amplitude * np.sin(2 * np.pi * (frames % _PERIOD) / _PERIOD)


def _signal(function: object) -> Signal:
    def signal(frame: int, length: int) -> Float32:
        with np.errstate(all="ignore"):
            return np.asarray(function(frame + np.arange(length)), np.float32)  # type: ignore[operator]

    return signal


BAD_SOUNDS: Final[Mapping[str, Signal]] = {
    "nan": _signal(lambda frames: np.full(len(frames), np.nan)),
    "nan-now-and-then": _signal(lambda frames: np.where(frames % 997 == 0, np.nan, _sine(frames))),
    "infinite": _signal(lambda frames: np.where(frames % 2, np.inf, -np.inf)),
    "largest": _signal(lambda frames: np.where(frames % 2, 3.4e38, -3.4e38)),
    "integers": _signal(lambda frames: _sine(frames, 2.0**30)),
    "square": _signal(lambda frames: np.sign(_sine(frames) + 1e-9)),
    "dc": _signal(lambda frames: np.ones(len(frames))),
    "silence": _signal(lambda frames: np.zeros(len(frames))),
    "denormal": _signal(lambda frames: _sine(frames, 1e-39)),
    "fade": _signal(lambda frames: _sine(frames) * 10.0 ** (-44.0 * (frames % 48000) / 48000)),
    "jump": _signal(lambda frames: _sine(frames) * np.where(frames // _JUMP % 2, 1e-5, 1.0)),
}
"""By name: samples that are not finite, the largest that a float holds, integers of 32 bits stored as floats, a square
wave of full scale, a constant, silence, denormal numbers, a fade that ends in them, and a level that changes by 100 dB
eight times per second."""
