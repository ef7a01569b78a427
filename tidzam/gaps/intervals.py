"""Sets of intervals: union, intersection, difference and length. Exact on whole numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Interval = tuple[int, int]
"""From a start to an end, which is not part of it."""


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Disjoint intervals in ascending order that cover the same as `intervals`. Empty ones are left out."""
    result: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if result and start <= result[-1][1]:
            result[-1] = result[-1][0], max(end, result[-1][1])
        else:
            result.append((start, end))
    return result


def intersection(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """What two unions have in common, as a union."""
    result: list[Interval] = []
    first = second = 0
    while first < len(one) and second < len(other):
        start, end = max(one[first][0], other[second][0]), min(one[first][1], other[second][1])
        if start < end:
            result.append((start, end))
        if one[first][1] < other[second][1]:
            first += 1
        else:
            second += 1
    return result


def difference(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """What the union `one` covers and the union `other` does not, as a union."""
    result: list[Interval] = []
    index = 0
    for start, end in one:
        while index < len(other) and other[index][1] <= start:
            index += 1
        position = start
        for place in range(index, len(other)):
            low, high = other[place]
            if low >= end:
                break
            if position < low:
                result.append((position, low))
            position = max(position, high)
        if position < end:
            result.append((position, end))
    return result


def length(intervals: Iterable[Interval]) -> int:
    """The total length of a union."""
    return sum(end - start for start, end in intervals)
