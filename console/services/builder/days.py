"""Which day is used for what by default. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from console.services.builder.models import DayUse

TEST_SHARE: Final = 0.3
"""The share of annotations that may be for tests, unless the smallest day has more: then that one is."""
BACKGROUND_DAYS: Final = 6
"""How many days without annotations are background."""


def suggest_uses(annotations: Mapping[date, Mapping[str, int]], recorded: Collection[date]) -> dict[date, DayUse]:
    """A split of days: about a quarter of the annotations is for the test, and every tag is also trained.

    The last recorded days without annotations are background, in turn for training and for the test.

    >>> days = [date(2026, 5, day) for day in (1, 2, 3)]
    >>> split = suggest_uses({days[0]: {"heron": 9}, days[1]: {"heron": 3}}, recorded=days)
    >>> {f"{day:%d}": use.value for day, use in split.items()}
    {'01': 'train', '02': 'test', '03': 'train-background'}
    """
    left = Counter[str]()
    for of_day in annotations.values():
        left.update(of_day)
    allowed = TEST_SHARE * left.total()
    uses = dict.fromkeys(annotations, DayUse.TRAIN)
    tested = 0
    for day in sorted(annotations, key=lambda one: (sum(annotations[one].values()), one)):
        of_day = annotations[day]
        count = sum(of_day.values())
        fits = tested + count <= allowed or not tested
        if fits and all(left[tag] >= 2 * number for tag, number in of_day.items()):
            uses[day] = DayUse.TEST
            tested += count
            left.subtract(of_day)
    quiet = sorted((day for day in recorded if day not in annotations), reverse=True)[:BACKGROUND_DAYS]
    for number, day in enumerate(quiet):
        uses[day] = DayUse.TEST_BACKGROUND if number % 2 else DayUse.TRAIN_BACKGROUND
    return dict(sorted(uses.items()))
