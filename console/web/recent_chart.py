"""The chart of the last hours as geometry for SVG: bars per hour and class upon daylight and gaps. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from console.services.gaps import GapView
from console.services.recent import Daylight, RecentHours, hours_since, order_of
from console.web.charts import BarSeries, Tick, stacked_bars
from tidzam.daytime import DayPart
from tidzam.gaps.records import ALL
from tidzam.store.local_time import local_hour

_TO: Final = "\N{EN DASH}"
SHADED: Final = (DayPart.NIGHT, DayPart.DAWN, DayPart.DUSK)
_MOST_TICKS: Final = 5
_LEAST_WIDTH: Final = 0.02
"""Hours: a gap is at least so wide, or it could not be seen."""


@dataclass(frozen=True)
class RecentChart:
    """Bars per hour, in a box that is as wide as the number of hours and 100 high."""

    labels: Sequence[str]
    series: Sequence[BarSeries]
    totals: Sequence[int]
    top: int
    ticks: Sequence[Tick]
    shades: Sequence[tuple[str, str]]
    """A part of the day, and the path of the areas in which it was."""
    gaps: str
    """The path of the areas in which something could not be heard."""


@dataclass(frozen=True)
class ChannelGaps:
    """The gaps of a channel, of a source, or of the whole node, as sentences."""

    name: str
    lines: Sequence[str]
    is_open: bool


def recent_chart(recent: RecentHours, zone: ZoneInfo) -> RecentChart:
    """The chart of what was heard."""
    first, count = local_hour(recent.hours[0], zone), len(recent.hours)
    by_label: dict[str, Counter[int]] = {}
    for one in recent.classes:
        by_label.setdefault(one.path[-1], Counter()).update(dict(enumerate(one.counts)))
    series, totals, top = stacked_bars(by_label, count)
    local = [hour.astimezone(zone) for hour in recent.hours]

    def place(time: datetime) -> float:
        return min(max(hours_since(time, first, zone), 0.0), float(count))

    return RecentChart(
        labels=[f"{hour:%a %H:00} to {hour + timedelta(hours=1):%H:00}" for hour in local],
        series=series,
        totals=totals,
        top=top,
        ticks=_ticks(local),
        shades=[(part, areas) for part in SHADED if (areas := _areas(recent.daylight, part, place))],
        gaps="".join(_area(place(gap.start), place(gap.end), 4) for gap in recent.gaps),
    )


def _ticks(local: Sequence[datetime]) -> list[Tick]:
    every = next(step for step in (1, 3, 6, 12, 24) if len(local) / step <= _MOST_TICKS)
    return [
        Tick(round(100 * number / len(local), 3), f"{hour:%a}" if every == 24 else f"{hour:%H:%M}")
        for number, hour in enumerate(local)
        if hour.hour % every == 0 and number > 0
    ]


def _areas(daylight: Sequence[Daylight], part: DayPart, place: Callable[[datetime], float]) -> str:
    areas = ((place(one.start), place(one.end)) for one in daylight if one.part is part)
    return "".join(_area(left, right, 100) for left, right in areas if left < right)


def _area(left: float, right: float, height: int) -> str:
    """A rectangle from the bottom of the box."""
    return f"M{left:.3f} {100 - height}h{max(right - left, _LEAST_WIDTH):.3f}V100H{left:.3f}z"


def channel_gaps(gaps: Sequence[GapView], zone: ZoneInfo, names: Callable[[str], str]) -> list[ChannelGaps]:
    """The gaps by channel, the newest first. `names` maps a port to its name for people."""
    ordered = sorted(gaps, key=lambda gap: (order_of(gap.channel), -gap.start.timestamp()))
    found = []
    for channel, group in groupby(ordered, key=lambda gap: gap.channel):
        own = list(group)
        name = "All channels" if channel == ALL else names(channel)
        found.append(ChannelGaps(name, [gap_line(gap, zone) for gap in own], any(gap.is_open for gap in own)))
    return found


def gap_line(gap: GapView, zone: ZoneInfo) -> str:
    """A gap in words: when nothing was heard, and why."""
    start, end = gap.start.astimezone(zone), gap.end.astimezone(zone)
    form = "%H:%M" if gap.seconds >= 120 and gap.count <= 1 else "%H:%M:%S"
    if gap.is_open:
        return f"not listening since {start:{form}}: {gap.words}"
    if gap.count > 1:
        return f"{gap.count} gaps of {gap.seconds:.1f} s in all from {start:{form}} on: {gap.words}"
    return f"not listening {start:{form}}{_TO}{end:{form}}: {gap.words}"


def sun_line(daylight: Sequence[Daylight], zone: ZoneInfo, now: datetime) -> str:
    """When dawn and dusk of the present day begin and end."""
    today = now.astimezone(zone).date()
    found = [
        f"{one.part} {one.start.astimezone(zone):%H:%M}{_TO}{one.end.astimezone(zone):%H:%M}"
        for one in daylight
        if one.part in (DayPart.DAWN, DayPart.DUSK) and one.start.astimezone(zone).date() == today
    ]
    return ", ".join(found) or "the sun neither rises nor sets today"
