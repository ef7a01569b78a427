"""How much likelier a class is at a time than on average, for decisions. Pure; importing it costs little."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from tidzam.config.recordings import TimeZoneName
from tidzam.labels import LabelTree

_SLOT_MIN: Final = 5
Relative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ClassTimeModel(BaseModel):
    """When a class occurs: rates around the day and the year as multiples of their means. 1 where nobody listened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(ge=0)
    day: tuple[Relative, ...] = Field(min_length=1, max_length=1440)
    year: tuple[Relative, ...] = Field(min_length=1, max_length=366)

    def relative(self, time: datetime) -> float:
        """The rate at a time by its own clock, as a multiple of the mean."""
        of_day = (time.hour * 60 + time.minute) / 1440
        length = date(time.year, 12, 31).timetuple().tm_yday
        of_year = (time.timetuple().tm_yday - 1 + of_day) / length
        return interpolated(self.day, of_day) * interpolated(self.year, of_year)


class TimeModels(BaseModel):
    """The time models of a node's classes, by their paths with `/` between labels, or by tags of annotations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fitted: datetime
    first_day: date
    last_day: date
    time_zone: TimeZoneName
    classes: Mapping[str, ClassTimeModel]


class TimePrior:
    """Factors for the odds of classes at a time. The same arguments give the same result."""

    def __init__(self, models: TimeModels, labels: LabelTree, *, max_factor: float) -> None:
        """A factor is at most `max_factor`, and at least its inverse."""
        by_name = {label: label for label in labels} | {"/".join(labels.path(label)): label for label in labels}
        self._models = {by_name[name]: one for name, one in models.classes.items() if name in by_name}
        self._zone, self._max_factor = ZoneInfo(models.time_zone), max_factor
        self._at = lru_cache(maxsize=64)(self._factors)

    def factors(self, time: datetime) -> Mapping[str, float]:
        """The factor of each class that has a model at a time (with a zone), exact to five minutes."""
        minute = time.minute - time.minute % _SLOT_MIN
        return self._at(time.replace(minute=minute, second=0, microsecond=0))

    def _factors(self, time: datetime) -> Mapping[str, float]:
        local = time.astimezone(self._zone)
        return {
            label: min(max(model.relative(local), 1 / self._max_factor), self._max_factor)
            for label, model in self._models.items()
        }


def with_prior(probability: float, factor: float) -> float:
    """A probability whose odds are multiplied by a factor: Bayes' rule, with the ratio of two priors as the factor.

    A classifier learns how likely a class is if nothing is known of the time. If it occurs `factor` times as often at
    this time as on average, and all else does as on average, the odds are `factor` times as great. Certainties stay.

    >>> with_prior(0.5, 3.0), with_prior(1.0, 0.25)
    (0.75, 1.0)
    """
    return probability * factor / (1 - probability + probability * factor)


def threshold_before(threshold: float, factor: float) -> float:
    """The probability that `with_prior` turns into `threshold`; thresholds beyond 1 stay.

    >>> threshold_before(0.75, 3.0)
    0.5
    """
    return threshold if threshold >= 1 else with_prior(threshold, 1 / factor)


def interpolated(values: Sequence[float], place: float) -> float:
    """The value at a place of a circle, 0 to 1, between the middles of its bins.

    >>> interpolated([0.0, 2.0], 0.5), interpolated([0.0, 2.0], 0.0)
    (1.0, 1.0)
    """
    count = len(values)
    at = place * count - 0.5
    left = math.floor(at)
    share = at - left
    return values[left % count] * (1 - share) + values[(left + 1) % count] * share
