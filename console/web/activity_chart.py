"""Curves of the day and of the year as geometry for SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from console.services.activity import ClassActivity, CurveView
from tidzam.config.location import LocationSettings
from tidzam.daytime import DayPart, day_parts

HEIGHT: Final = 100
SHADED: Final = (DayPart.NIGHT, DayPart.DAWN, DayPart.DUSK)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class CurveChart:
    """A curve and its band in a box `width` wide and 100 high. `top` is the rate at its upper end."""

    width: int
    line: str
    band: str
    top: float
    peak: str
    """When the rate is greatest, in words; empty if it is zero."""


@dataclass(frozen=True)
class ActivityChart:
    """The two curves of a class. `shades` are the parts of the day, and the path of each, on the day `shaded_on`."""

    path: tuple[str, ...]
    count: int
    day: CurveChart
    year: CurveChart
    shades: Sequence[tuple[str, str]]
    shaded_on: str


def activity_chart(one: ClassActivity, year: int, location: LocationSettings | None) -> ActivityChart:
    """The chart of a class. Daylight is that of the day around which it is heard most, in `year`."""
    peak = one.year.peak
    around = None if location is None or peak is None else date(year, 1, 1) + timedelta(days=int(365 * peak))
    return ActivityChart(
        path=one.path,
        count=one.count,
        day=curve_chart(one.day, "" if one.day.peak is None else clock_text(one.day.peak)),
        year=curve_chart(one.year, "" if peak is None else day_text(peak)),
        shades=[] if around is None or location is None else shades(around, location),
        shaded_on="" if around is None else day_text(peak or 0.0),
    )


def curve_chart(curve: CurveView, peak: str) -> CurveChart:
    """A curve; where it is not known, there is none."""
    count = len(curve.rate)
    top = max((value for value in (*curve.high, *curve.rate) if value is not None), default=0.0) or 1.0
    runs = list(_known_runs(curve.rate))

    def points(values: Sequence[float | None], run: range) -> list[str]:
        known = ((number, values[number]) for number in run)
        return [f"{number + 0.5:g} {HEIGHT * (1 - (value or 0.0) / top):.1f}" for number, value in known]

    line = "".join(f"M{'L'.join(_widened(points(curve.rate, run), run))}" for run in runs)
    band = "".join(
        f"M{'L'.join([*_widened(points(curve.high, run), run), *reversed(_widened(points(curve.low, run), run))])}z"
        for run in runs
    )
    return CurveChart(count, line, band, top, peak)


def _known_runs(values: Sequence[float | None]) -> list[range]:
    """The places in a row that have values."""
    runs, begin = [], None
    for number, value in enumerate((*values, None)):
        if value is not None and begin is None:
            begin = number
        elif value is None and begin is not None:
            runs.append(range(begin, number))
            begin = None
    return runs


def _widened(points: list[str], run: range) -> list[str]:
    """Points of the middles of places, with those at the outer edges of the first and the last."""
    first, last = points[0].split(" ")[1], points[-1].split(" ")[1]
    return [f"{run.start} {first}", *points, f"{run.stop} {last}"]


def shades(day: date, location: LocationSettings) -> list[tuple[str, str]]:
    """The parts of a day by the sun, in a box of 24 hours."""
    zone = ZoneInfo(location.time_zone)
    begin = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    found: dict[str, str] = {}
    for one in day_parts(begin, begin + timedelta(days=1), location):
        if one.part in SHADED:
            left, right = ((time - begin).total_seconds() / 3600 for time in (one.start, one.end))
            found[one.part] = found.get(one.part, "") + f"M{left:.2f} 0H{right:.2f}V{HEIGHT}H{left:.2f}z"
    return list(found.items())


def clock_text(part: float) -> str:
    """A part of the day as a time, in quarters of an hour.

    >>> clock_text(0.26)
    '06:15'
    """
    minutes = round(part * 96) * 15 % 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"


def day_text(part: float) -> str:
    """A part of the year as a day.

    >>> day_text(0.4)
    '27 May'
    """
    day = date(2001, 1, 1) + timedelta(days=min(364, int(part * 365)))
    return f"{day.day} {_MONTHS[day.month - 1]}"


def rate_text(rate: float) -> str:
    """A rate in three digits at most.

    >>> [rate_text(rate) for rate in (0.0123, 0.5, 12.3, 250.0)]
    ['0.012', '0.5', '12', '250']
    """
    return f"{rate:.2g}" if rate < 100 else f"{rate:.0f}"


def listened_text(hours: float) -> str:
    """For how long was listened.

    >>> [listened_text(hours) for hours in (0.2, 1 / 60, 1.5, 2345.6)]
    ['12 minutes', '1 minute', '90 minutes', '2,346 hours']
    """
    minutes = round(60 * hours)
    if minutes < 120:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"{hours:,.0f} hours"
