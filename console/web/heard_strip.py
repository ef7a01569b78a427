"""What was heard per day as a strip of cells, one per day, and in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from console.services.sources.heard import HeardChannel, HeardDay, HeardReport
from tidzam.gaps.words import REASONS

_STEPS: Final = ((0.5, 1), (0.9, 2), (0.97, 3), (0.995, 4), (0.9999, 5))
"""The colors below each share of the time that was heard; 6 for all of it, 0 for days on which nothing was expected."""


@dataclass(frozen=True)
class StripCell:
    """A day of a channel: `level` is the color, `words` say the same."""

    day: date
    level: int
    words: str


@dataclass(frozen=True)
class StripRow:
    """The days of a channel, and how much of the last one was heard: `share` of it, and `today` in time."""

    channel: str
    cells: Sequence[StripCell]
    share: str
    today: str


def strip_rows(report: HeardReport) -> list[StripRow]:
    """A row per channel, in the order of the report."""
    return [_row(channel, report.days) for channel in report.channels]


def _row(channel: HeardChannel, days: Sequence[date]) -> StripRow:
    cells = [_cell(day, channel.on(day)) for day in days]
    last = channel.on(days[-1])
    if last is None or last.share is None:
        return StripRow(_title(channel), cells, "not loaded", "")
    today = f"{duration(last.heard_s)} of {duration(last.loaded_s)}"
    return StripRow(_title(channel), cells, percent(last.share), today)


def _title(channel: HeardChannel) -> str:
    """The source, and the number of its channel."""
    number = channel.channel.removeprefix(f"{channel.source}:out_")
    return channel.source if number == channel.channel else f"{channel.source} {number}"


def _cell(day: date, heard: HeardDay | None) -> StripCell:
    if heard is None or heard.share is None:
        return StripCell(day, 0, f"{day}: not loaded")
    share = heard.share
    level = next((number for below, number in _STEPS if share < below), 6)
    missing = sorted(heard.missing_s.items(), key=lambda item: -item[1])
    lost = "; ".join(f"{REASONS[reason]} for {duration(seconds)}" for reason, seconds in missing)
    heard_of = f"{day}: {percent(share)} of {duration(heard.loaded_s)} heard"
    return StripCell(day, level, f"{heard_of}; {lost}" if lost else heard_of)


def percent(share: float) -> str:
    """A share in percent, never rounded up to all of it.

    >>> percent(0.99999), percent(1.0), percent(0.5)
    ('99.9 %', '100 %', '50.0 %')
    """
    return "100 %" if share >= 1 else f"{int(share * 1000) / 10:.1f} %"


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it.

    >>> duration(0.023), duration(2), duration(75), duration(5400), duration(86400)
    ('23 ms', '2.0 s', '1.2 min', '1.5 h', '24 h')
    """
    if 0 < seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h".replace(".0 h", " h")
