"""Which rows of the file of vectors are in use, and which ranges of them lie side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Rows = tuple[int, int]
"""A range of rows: the first one and their number."""


class RowSpace:
    """The free rows of a file, which is as long as it must be. New vectors fill the holes of deleted ones first.

    >>> space = RowSpace([(0, 10), (15, 5)])
    >>> space.take(8)
    [(10, 5), (20, 3)]
    """

    def __init__(self, used: Iterable[Rows]) -> None:
        self._holes: list[Rows] = []
        self._end = 0
        for first, rows in sorted(used):
            if first > self._end:
                self._holes.append((self._end, first - self._end))
            self._end = max(self._end, first + rows)

    def take(self, rows: int) -> list[Rows]:
        """So many free rows, in as many ranges as are needed, which are in use now."""
        found: list[Rows] = []
        while rows and self._holes:
            first, free = self._holes[0]
            used = min(free, rows)
            found.append((first, used))
            self._holes[:1] = [(first + used, free - used)] if used < free else []
            rows -= used
        if rows:
            found.append((self._end, rows))
            self._end += rows
        return found


def runs_of(first_rows: NDArray[np.int64], rows: NDArray[np.int64]) -> list[Rows]:
    """Ranges, in any order, as few ranges: those that touch are one.

    >>> runs_of(np.array([10, 0, 30]), np.array([5, 10, 1]))
    [(0, 15), (30, 1)]
    """
    if not len(first_rows):
        return []
    order = np.argsort(first_rows, kind="stable")
    firsts, ends = first_rows[order], (first_rows + rows)[order]
    begins = np.flatnonzero(np.append(True, firsts[1:] != ends[:-1]))
    lasts = np.append(begins[1:], len(firsts)) - 1
    return [(int(firsts[b]), int(ends[e] - firsts[b])) for b, e in zip(begins, lasts, strict=True)]
