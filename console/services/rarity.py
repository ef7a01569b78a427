"""What is new about a detection: the first of its class ever, in the year, season or day, or after an absence."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

ABSENCE_DAYS: Final = 14
"""Days without its class after which a detection is a return."""


class Rarity(StrEnum):
    """What is new about a detection of a class, the rarest first."""

    EVER = "ever"
    YEAR = "year"
    RETURN = "return"
    SEASON = "season"
    DAY = "day"


def rarity_of(start: datetime, previous: datetime | None, zone: ZoneInfo) -> Rarity | None:
    """What is new about a detection whose class was heard before at `previous`, None if never. Pure.

    Years, days and seasons (of three months, from December, March, June and September on) are those of the clock in
    `zone`.
    """
    if previous is None:
        return Rarity.EVER
    day, before = start.astimezone(zone).date(), previous.astimezone(zone).date()
    if day.year != before.year:
        return Rarity.YEAR
    if (day - before).days > ABSENCE_DAYS:
        return Rarity.RETURN
    if _season(day) != _season(before):
        return Rarity.SEASON
    return Rarity.DAY if day != before else None


def _season(day: date) -> int:
    return day.month % 12 // 3
