"""How much faster one clock is than another, from the arrival of what the one sends and the other receives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ERROR_FACTOR: Final = 15.0
"""Of a slope: simulated with delays that are distributed exponentially or uniformly, or as the sum of two such."""
RESOLUTION_S: Final = 0.001
"""How exactly the time of an arrival is known."""
ROUNDING_S: Final = 1e-9
"""A point that is no higher than this above a line is on it."""

Point = tuple[float, float]


@dataclass(frozen=True)
class SkewLine:
    """The line above a series of points. `slope` is the skew, without unit, and `error` its standard error.

    `residuals_s`: how far each point is below the line, shape (points,), in seconds.
    """

    slope: float
    error: float
    residuals_s: NDArray[np.float64]

    @property
    def deviation_s(self) -> float:
        """The median of the residuals, in seconds."""
        return float(np.median(self.residuals_s))


def line_above(points: Sequence[Point]) -> SkewLine:
    """The line that no point is above, and to which the sum of their distances is smallest.

    A point is the time of an arrival and the seconds of audio that have arrived by then, less that time. There are at
    least two, and their times increase. Audio can be late by any amount, but never early: the least delayed arrivals
    show the clock, and however late the others are does not matter. The line is the edge of the convex hull above the
    mean of the times (Moon, Skelly and Towsley, "Estimation and removal of clock skew from network delay measurements",
    INFOCOM 1999; Zhang, Liu and Xia, "Clock synchronization algorithms for network measurements", INFOCOM 2002). Its
    error falls with the number of points and with their span, as that of the minimum of delays does; what remains is
    that of reading the clock.

    >>> line_above([(0.0, 0.0), (1.0, -0.5), (2.0, 0.2), (3.0, -0.9), (4.0, 0.4)]).slope
    0.1
    """
    times_s, offsets_s = np.asarray(points, np.float64).T
    left, right = _edge_above_centre(times_s, offsets_s)
    slope = float((offsets_s[right] - offsets_s[left]) / (times_s[right] - times_s[left]))
    residuals_s = offsets_s[left] + slope * (times_s - times_s[left]) - offsets_s
    span_s = float(times_s[-1] - times_s[0])
    error_s = ERROR_FACTOR * float(np.median(residuals_s)) / len(times_s) + RESOLUTION_S
    return SkewLine(slope, error_s / span_s, residuals_s)


def _edge_above_centre(times_s: NDArray[np.float64], offsets_s: NDArray[np.float64]) -> tuple[int, int]:
    """The indices of the points at the ends of the hull's edge above the mean of the times.

    The line through two points before and after the mean is raised to the point that is highest above it, until none
    is (as in Barber, Dobkin and Huhdanpaa, "The Quickhull algorithm for convex hulls", ACM TOMS 22(4), 1996).
    """
    centre_s, left, right = float(times_s.mean()), 0, len(times_s) - 1
    while True:
        slope = (offsets_s[right] - offsets_s[left]) / (times_s[right] - times_s[left])
        heights_s = offsets_s - offsets_s[left] - slope * (times_s - times_s[left])
        highest = int(heights_s.argmax())
        if heights_s[highest] <= ROUNDING_S:
            return left, right
        if times_s[highest] < centre_s:
            left = highest
        else:
            right = highest
