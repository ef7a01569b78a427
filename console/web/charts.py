"""Charts of counts as geometry for SVG: bars per day and class, and a heat map of hours and days. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

HOURS: Final = 24
LEVELS: Final = 6
"""Colors of the heat map, without that of nothing."""
_MOST_BINS: Final = 92
_STEPS_DAYS: Final = (1, 7, 28, 91, 364, 1820)
_MOST_SERIES: Final = 6
_OTHERS: Final = "others"


@dataclass(frozen=True)
class Bin:
    """Some days in a row, which a bar or a column stands for."""

    first: date
    last: date

    @property
    def label(self) -> str:
        """The days, as text."""
        return f"{self.first:%a %d %b %Y}" if self.first == self.last else f"{self.first:%d %b} to {self.last:%d %b %Y}"


@dataclass(frozen=True)
class Tick:
    """A label of an axis; `place` is in percent of the length of the axis."""

    place: float
    label: str


@dataclass(frozen=True)
class BarSeries:
    """The bars of one class: `path` draws them in a box that is as wide as the number of bins and 100 high."""

    label: str
    total: int
    counts: Sequence[int]
    path: str


@dataclass(frozen=True)
class BarChart:
    """Bars per bin, one series above the other."""

    bins: Sequence[Bin]
    series: Sequence[BarSeries]
    totals: Sequence[int]
    top: int
    """The count at the upper end."""
    ticks: Sequence[Tick]


@dataclass(frozen=True)
class HeatMap:
    """Hours (down) by bins (across). `levels` draw the cells of a color in a box of the number of bins by 24."""

    bins: Sequence[Bin]
    levels: Sequence[str]
    counts: Sequence[int]
    """By bin, then by hour."""
    most: int
    hours: Sequence[int]
    """The sums per hour of the day."""
    ticks: Sequence[Tick]


def bins_between(first: date, last: date) -> list[Bin]:
    """The days from `first` to `last`, each a bin, or several in one if there are too many."""
    days = (last - first).days + 1
    step = next((step for step in _STEPS_DAYS if days / step <= _MOST_BINS), _STEPS_DAYS[-1])
    starts = [first + timedelta(days=day) for day in range(0, max(days, 1), step)]
    return [Bin(start, min(start + timedelta(days=step - 1), last)) for start in starts]


def bar_chart(bins: Sequence[Bin], counts: Iterable[tuple[date, str, int]]) -> BarChart:
    """Bars of the counts of classes on days. Classes that are few are one series."""
    by_label: dict[str, Counter[int]] = defaultdict(Counter)
    step = step_of(bins)
    for day, label, count in counts:
        by_label[label][_bin_of(day, bins, step)] += count
    series, totals, top = stacked_bars(by_label, len(bins))
    return BarChart(bins, series, totals, top, ticks_of(bins))


def stacked_bars(by_label: Mapping[str, Counter[int]], bins: int) -> tuple[list[BarSeries], list[int], int]:
    """Bars per label, the most frequent at the bottom; the totals per bin; and the count at the upper end of the chart.

    `by_label` holds the count of each bin by its number. Labels that are few are one series.
    """
    labels = sorted(by_label, key=lambda label: (-by_label[label].total(), label))
    named = labels if len(labels) <= _MOST_SERIES else labels[: _MOST_SERIES - 1]
    groups = [(label, by_label[label]) for label in named]
    if rest := labels[len(named) :]:
        groups.append((_OTHERS, sum((by_label[label] for label in rest), Counter())))
    totals = [sum(group[number] for _, group in groups) for number in range(bins)]
    top = nice_top(max(totals, default=0))
    below = [0.0] * bins
    series = [_series(label, [group[number] for number in range(bins)], below, top) for label, group in groups]
    return series, totals, top


def _series(label: str, counts: list[int], below: list[float], top: int) -> BarSeries:
    """A series upon what is `below`, which grows by it. Heights are in percent."""
    parts = []
    for number, count in enumerate(counts):
        if count:
            height = 100 * count / top
            parts.append(f"M{number + 0.1:g} {100 - below[number]:.2f}v{-height:.2f}h.8v{height:.2f}z")
            below[number] += height
    return BarSeries(label, sum(counts), counts, "".join(parts))


def heat_map(bins: Sequence[Bin], counts: Iterable[tuple[date, int, int]]) -> HeatMap:
    """A heat map of counts in hours (0 to 23) of days. Its colors follow the square root of the count."""
    step = step_of(bins)
    cells = [0] * (HOURS * len(bins))
    for day, hour, count in counts:
        cells[HOURS * _bin_of(day, bins, step) + hour] += count
    most = max(cells, default=0)
    levels: list[list[str]] = [[] for _ in range(LEVELS)]
    for place, count in enumerate(cells):
        if count:
            column, hour = divmod(place, HOURS)
            levels[level_of(count, most) - 1].append(f"M{column} {hour}h1v1h-1z")
    hours = [sum(cells[hour::HOURS]) for hour in range(HOURS)]
    return HeatMap(bins, ["".join(level) for level in levels], cells, most, hours, ticks_of(bins))


def level_of(count: int, most: int) -> int:
    """The color of a count, 1 to `LEVELS`; 0 for none.

    >>> [level_of(count, 36) for count in (0, 1, 2, 9, 36)]
    [0, 1, 2, 3, 6]
    """
    return math.ceil(LEVELS * math.sqrt(count / most)) if count else 0


def nice_top(most: int) -> int:
    """The least number of the form 2, 4, 10, 20, 40, … that is not smaller, so that its half is one, too.

    >>> [nice_top(count) for count in (0, 1, 3, 9, 11, 130)]
    [2, 2, 4, 10, 20, 200]
    """
    size = int(10 ** max(0, len(str(most)) - 1))
    return max(2, next(step * size for step in (1, 2, 4, 6, 10) if step * size >= most))


def ticks_of(bins: Sequence[Bin], *, most: int = 5) -> list[Tick]:
    """Labels of days below the middle of their bins, evenly apart."""
    every = math.ceil(len(bins) / most)
    form = "%d %b" if (bins[-1].last - bins[0].first).days < 300 else "%b %Y"
    chosen = range((len(bins) - 1) % every // 2, len(bins), every)
    return [
        Tick(round(100 * (number + 0.5) / len(bins), 3), f"{bins[number].first:{form}}".lstrip("0"))
        for number in chosen
    ]


def sparkline(days: Mapping[date, int], bins: Sequence[Bin]) -> str:
    """Bars of one class in a box that is as wide as the number of bins and 100 high."""
    step, counts = step_of(bins), [0] * len(bins)
    for day, count in days.items():
        counts[_bin_of(day, bins, step)] += count
    most = max(counts, default=0) or 1
    heights = ((number, max(4.0, 100 * count / most)) for number, count in enumerate(counts) if count)
    return "".join(f"M{number + 0.1:g} 100v{-height:.1f}h.8V100z" for number, height in heights)


def step_of(bins: Sequence[Bin]) -> int:
    """The days in a bin; the last bin may have fewer."""
    return (bins[1].first - bins[0].first).days if len(bins) > 1 else max(1, (bins[0].last - bins[0].first).days + 1)


def _bin_of(day: date, bins: Sequence[Bin], step: int) -> int:
    return min(max((day - bins[0].first).days // step, 0), len(bins) - 1)
