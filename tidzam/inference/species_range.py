"""Which classes may be reported at a place in a week: range models, and lists of classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.bundle import BundleManifest
from tidzam.config.location import LocationSettings
from tidzam.config.species_range import RangeSettings
from tidzam.errors import ConfigError
from tidzam.inference.engines import Network
from tidzam.labels import LabelTree
from tidzam.suggest import did_you_mean

WEEKS: Final = 48
"""Weeks of a year in a range model: each is a little longer than seven days."""
WHOLE_YEAR: Final = -1
"""The week that stands for the whole year."""


def week_of(day: date | None) -> int:
    """The week, 1 to 48, that a range model knows a day by; `WHOLE_YEAR` without one.

    >>> week_of(date(2026, 1, 1)), week_of(date(2026, 12, 31)), week_of(None)
    (1, 48, -1)
    """
    if day is None:
        return WHOLE_YEAR
    days = date(day.year, 12, 31).timetuple().tm_yday
    return math.ceil(day.timetuple().tm_yday / days * WEEKS)


@dataclass(frozen=True)
class RangeModel:
    """The range model of a bundle: `network` takes (latitude, longitude, week) and returns a probability per class."""

    manifest: BundleManifest
    network: Network

    def occurrence(self, location: LocationSettings, week: int) -> dict[str, float]:
        """The probability, 0 to 1, that each species occurs at a place in a week, by label.

        Classes without a scientific name, such as noise, are absent: a range model knows nothing about them.
        """
        place = np.array([[location.latitude, location.longitude, week]], dtype=np.float32)
        (values,) = self.network.predict(place).tolist()
        named = self.manifest.scientific_names
        return {label: value for label, value in zip(self.manifest.classes, values, strict=True) if label in named}


class SpeciesRange:
    """Which of a cascade's `classes` are hidden. Several threads may use it at the same time."""

    def __init__(
        self,
        classes: Sequence[str],
        labels: LabelTree,
        *,
        settings: RangeSettings,
        scientific_names: Mapping[str, str] | None = None,
        location: LocationSettings | None = None,
        models: Sequence[RangeModel] = (),
    ) -> None:
        """Raises ConfigError (`unknown_class`) if the settings name a class that does not exist."""
        self._classes, self._location, self._models = classes, location, models
        self._min_probability = settings.min_probability
        known = {name: label for label, name in (scientific_names or {}).items()}
        known |= {label: label for label in labels}
        self._included = frozenset(_resolved(settings.include, known, "include"))
        excluded = frozenset(_resolved(settings.exclude, known, "exclude"))
        self._excluded = frozenset(label for label in classes if not excluded.isdisjoint(labels.path(label)))
        self._hidden: dict[int, NDArray[np.bool_]] = {}

    @property
    def hides_nothing(self) -> bool:
        """Whether every class may be reported anywhere and at any time."""
        return not self._excluded and not (self._models and self._location)

    def hidden(self, day: date | None) -> NDArray[np.bool_]:
        """The classes that are left out on a day; without one, those unlikely in the whole year. Shape (classes,)."""
        week = week_of(day)
        found = self._hidden.get(week)
        if found is None:
            found = self._hidden[week] = self._in_week(week)
        return found

    def _in_week(self, week: int) -> NDArray[np.bool_]:
        unlikely: set[str] = set()
        if self._location is not None:
            for model in self._models:
                occurrence = model.occurrence(self._location, week)
                unlikely |= {label for label, value in occurrence.items() if not value >= self._min_probability}
        left_out = (unlikely - self._included) | self._excluded
        return np.array([label in left_out for label in self._classes], dtype=np.bool_)


def _resolved(names: Iterable[str], known: Mapping[str, str], setting: str) -> Iterable[str]:
    """The labels that `names` designate."""
    for name in names:
        if name not in known:
            raise ConfigError(
                f"range.{setting} names {name!r}, which is no class of the classifiers.",
                hint=f"{did_you_mean(name, known)}Use a label or a scientific name.",
                code="unknown_class",
            )
        yield known[name]
