"""Samples that are not audio: NaN, infinite, or beyond anything that a recorder stores."""

from __future__ import annotations

from typing import Final

import numpy as np

from tidzam.types import Float32

LIMIT: Final = 2.0**31
"""Full scale is 1; some programs store integers of up to 32 bits as floats, and nothing is louder than they are."""


def sanitize(samples: Float32) -> tuple[Float32, int]:
    """`samples`, of any shape, with 0 in place of what is not finite or beyond ±LIMIT, and how many were replaced."""
    if not samples.size or (samples.max() <= LIMIT and samples.min() >= -LIMIT):  # not so if there is a NaN
        return samples, 0
    good = np.abs(samples) <= LIMIT
    return np.where(good, samples, np.float32(0)), int(good.size - np.count_nonzero(good))
