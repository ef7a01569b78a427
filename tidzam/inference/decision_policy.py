"""What is decided on which channel at which time: a rule, its options and thresholds, with a profile's overrides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Final

from tidzam.config.decision import DecisionOverride, DecisionSettings, checked_options
from tidzam.config.location import LocationSettings
from tidzam.daytime import is_any_of
from tidzam.errors import ConfigError
from tidzam.inference.decision import DecisionRule, deepest, find_decision_rule, ranked
from tidzam.labels import UNKNOWN, LabelTree
from tidzam.patterns import matches
from tidzam.time_models.prior import TimePrior, threshold_before, with_prior

_MOST_CHANNELS: Final = 4096


@dataclass(frozen=True)
class Decision:
    """A rule with its options, and the thresholds that apply with it.

    `floors` holds those that the profile sets: no rule reports a class below. By `factors`, the odds of classes are
    multiplied before anything is decided (`tidzam.time_models.prior`); other classes stay as they are.
    """

    rule: DecisionRule
    thresholds: Mapping[str, float]
    floors: Mapping[str, float]
    factors: Mapping[str, float] = field(default_factory=dict)

    def decide(self, probabilities: Mapping[str, float], labels: LabelTree) -> tuple[str, ...]:
        """The classes that occur, as `DecisionRule` returns them.

        A class below its floor gives way to its nearest ancestor that is a class and reaches its own.
        """
        if self.factors:
            probabilities = {label: with_prior(p, self.factors.get(label, 1.0)) for label, p in probabilities.items()}
        result = self.rule(probabilities, self.thresholds, labels)
        if not self.floors or result == (UNKNOWN,):
            return result
        allowed = {self._allowed(label, probabilities, labels) for label in result}
        return ranked(deepest((label for label in allowed if label is not None), labels), probabilities)

    def threshold(self, label: str) -> float:
        """The probability of a class, as its classifier states it, that counts as its threshold."""
        return threshold_before(self.thresholds[label], self.factors.get(label, 1.0))

    def _allowed(self, label: str, probabilities: Mapping[str, float], labels: LabelTree) -> str | None:
        upwards = (one for one in reversed(labels.path(label)) if one in probabilities)
        return next((one for one in upwards if probabilities[one] >= self.floors.get(one, 0.0)), None)


class DecisionPolicy:
    """Chooses the decision for each channel and time. The same arguments give the same result."""

    def __init__(
        self,
        settings: DecisionSettings,
        thresholds: Mapping[str, float],
        labels: LabelTree,
        *,
        location: LocationSettings | None = None,
    ) -> None:
        """`thresholds` are those of the bundles.

        Raises ConfigError: `unknown_extension` or `broken_extension` if the rule cannot be loaded, `location` if an
        override depends on the sun and there is no location.
        """
        if settings.needs_sun and location is None:
            raise ConfigError(
                "An override of analyzer.decision depends on the sun, and the position of the node is not set.",
                hint="Set location: {latitude: …, longitude: …}.",
                code="location",
            )
        self._settings, self._location = settings, location
        self.labels = labels
        self._thresholds, self._live_floors = thresholds, dict[str, float]()
        self._prior: TimePrior | None = None
        self._times = [override.parsed_times for override in settings.overrides]
        find_decision_rule(settings.rule)  # so that a fault is reported at the start
        self._of = self._cached()
        self._on = lru_cache(maxsize=_MOST_CHANNELS)(self._numbers)

    def use(self, *, floors: Mapping[str, float], prior: TimePrior | None = None) -> None:
        """Also decide by `floors`, whatever the profile says about these classes, and by `prior`.

        A class whose floor is greater than 1 is never reported. May be called from any thread.
        """
        self._live_floors, self._prior = dict(floors), prior
        self._of = self._cached()

    def _cached(self) -> Callable[[tuple[int, ...]], Decision]:
        return lru_cache(maxsize=None)(partial(self._combined, self._live_floors))

    def decide(self, probabilities: Mapping[str, float], *, channel: str, time: datetime | None) -> tuple[str, ...]:
        """The classes that occur in a window of `channel` that begins at `time`, as `DecisionRule` returns them.

        Without a time, overrides that apply at some times do not apply.
        """
        return self.decision(channel, time).decide(probabilities, self.labels)

    def decision(self, channel: str, time: datetime | None) -> Decision:
        """The decision that applies to `channel` at `time`, which may be unknown."""
        found, prior = self._of(tuple(one for one in self._on(channel) if self._is_time(one, time))), self._prior
        return found if prior is None or time is None else replace(found, factors=prior.factors(time))

    def _numbers(self, channel: str) -> tuple[int, ...]:
        """The overrides that apply to a channel, at whatever time."""
        overrides = enumerate(self._settings.overrides)
        return tuple(number for number, one in overrides if not one.channels or matches(channel, one.channels))

    def _is_time(self, number: int, time: datetime | None) -> bool:
        times = self._times[number]
        return not times or (time is not None and is_any_of(time, times, self._location))

    def _combined(self, live_floors: Mapping[str, float], numbers: tuple[int, ...]) -> Decision:
        """The decision with these overrides, applied in their order, and `live_floors` after them."""
        name, options, floors = self._settings.rule, dict(self._settings.options), dict[str, float]()
        for override in (self._settings.overrides[number] for number in numbers):
            if override.rule is not None or override.options:
                name = override.rule or self._settings.rule
                options = {**(self._settings.options if name == self._settings.rule else {}), **override.options}
            floors |= self._floors(override)
        floors |= live_floors
        rule = find_decision_rule(name)
        values = checked_options(name, options)
        return Decision(partial(rule, **values) if values else rule, {**self._thresholds, **floors}, floors)

    def _floors(self, override: DecisionOverride) -> dict[str, float]:
        if override.threshold is None:
            return {}
        classes = (label for label in self._thresholds if not override.classes or matches(label, override.classes))
        return dict.fromkeys(classes, override.threshold)
