"""Where a damaged file can be decoded again: a damaged FLAC frame does not affect those after it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import numpy as np
import soundfile

from tidzam.types import Float32

_STEP: Final = 256
"""The resolution, in frames, with which damage is located; blocks of FLAC are larger."""

Opener = Callable[[], soundfile.SoundFile]
"""Opens the file again for each attempt: after an error, libsndfile cannot continue."""


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
    """The first frame after `at` from which the file can be decoded again; None if there is none up to `end`.

    Assumes one damaged section: searches for its end in growing steps, and then between the last two.
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
