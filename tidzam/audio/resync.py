"""Where a damaged file goes on: a frame of FLAC that is damaged says nothing about those behind it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import numpy as np
import soundfile

from tidzam.audio.features import Float32

_STEP: Final = 256
"""Frames that a damaged stretch is measured in; those of FLAC are larger."""

Opener = Callable[[], soundfile.SoundFile]
"""A file that failed to decode once is of no use any more: each try opens it again."""


def frames_before_damage(opener: Opener, at: int, frames: int, channels: int) -> Float32:
    """What can be decoded from `at` on, at most `frames`: float32 (frames, channels)."""
    good = np.empty((frames, channels), np.float32)
    count = 0
    with suppress(soundfile.LibsndfileError), opener() as file:
        file.seek(at)
        while count < frames and len(block := file.read(min(_STEP, frames - count), dtype="float32", always_2d=True)):
            good[count : count + len(block)] = block
            count += len(block)
    return good[:count]


def frame_after_damage(opener: Opener, at: int, end: int) -> int | None:
    """The first frame behind `at` from which on there is sound again; None if there is none up to `end`.

    The stretch is taken to be damaged throughout: it is looked for in growing steps, and then between the last two.
    """
    bad, step = at, _STEP
    while not _is_good(opener, good := bad + step):
        if good >= end:
            return None
        bad, step = good, min(step * 2, end - good)
    while good - bad > _STEP:
        middle = (bad + good) // 2
        if _is_good(opener, middle):
            good = middle
        else:
            bad = middle
    return good


def _is_good(opener: Opener, at: int) -> bool:
    try:
        with opener() as file:
            return file.seek(at) == at and len(file.read(_STEP)) > 0
    except soundfile.LibsndfileError:
        return False
