"""Settings of the decision: the rule, its options, thresholds, and what applies on some channels or at some times."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from tidzam.config.inference import DECISION_RULES, DEFAULT_RULE, DecisionRuleName
from tidzam.config.section import Names, Section
from tidzam.daytime import DayPart, TimeOfDay, parse_time_of_day
from tidzam.suggest import did_you_mean
from tidzam.validation import reason

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def _times(times: tuple[str, ...]) -> tuple[str, ...]:
    for text in times:
        parse_time_of_day(text)
    return times


Times = Annotated[Names, AfterValidator(_times)]


def checked_options(rule: str, options: Mapping[str, object]) -> dict[str, Any]:
    """The options of the decision rule called `rule`, as `options_of` returns them.

    Raises ValueError as that does, and ConfigError (`broken_extension`) if the rule cannot be loaded.
    """
    return options_of(DECISION_RULES.load(rule), rule, options) if options else {}


def options_of(function: Callable[..., object], rule: str, options: Mapping[str, object]) -> dict[str, Any]:
    """Options for the keyword-only parameters of a decision rule's function, converted to the types annotated there.

    Raises ValueError, with all that is wrong as a clause.
    """
    parameters = inspect.signature(function).parameters.values()
    hints = get_type_hints(function, include_extras=True)
    known = {one.name: hints.get(one.name, Any) for one in parameters if one.kind is one.KEYWORD_ONLY}
    values, faults = dict[str, Any](), list[str]()
    for name, value in options.items():
        if name not in known:
            has = f"Its options are {', '.join(known)}" if known else "It has no options"
            faults.append(f"the rule {rule} has no option {name!r}. {did_you_mean(name, known)}{has}")
            continue
        try:
            values[name] = TypeAdapter(known[name]).validate_python(value)
        except ValidationError as error:
            faults.append(f"option {name}: found {value!r}; {reason(error.errors()[0])}")
    if faults:
        raise ValueError("; ".join(faults))
    return values


class DecisionOverride(Section):
    """What is decided differently on some channels, at some times, or about some classes.

    A window has to match all that is given. Of several overrides that set the same thing, the last one applies.
    """

    channels: Names = Field((), description="Ports: names, beginnings of names, or globs; all if not given")
    times: Times = Field(
        (),
        description="Times of day: `night`, `dawn`, `day`, `dusk` by the sun at `location`, or `HH:MM-HH:MM` in its "
        "time zone; always if not given",
    )
    classes: Names = Field(
        (), description="Classes that `threshold` is for: names, beginnings, or globs; all if not given"
    )
    threshold: Probability | None = Field(
        None,
        description="Probability from which these classes are reported, in place of the bundle's; with another rule "
        "than `thresholds`, a class below it gives way to its parent",
    )
    rule: DecisionRuleName | None = Field(None, description="Another decision rule; only without `classes`")
    options: dict[str, Any] = Field({}, description="Options of `rule`; without it, of the rule outside the overrides")

    @model_validator(mode="after")
    def _sets_something(self) -> DecisionOverride:
        if self.threshold is None and self.rule is None and not self.options:
            raise ValueError("it changes nothing; set a threshold, a rule or options")
        if self.classes and (self.rule is not None or self.options):
            raise ValueError("a rule decides on whole windows; leave out classes, or set only a threshold for them")
        if not (self.classes or self.channels or self.times or self.threshold is not None):
            raise ValueError("it has neither channels nor times; set the rule and its options outside of the overrides")
        return self

    @property
    def needs_sun(self) -> bool:
        """Whether it depends on the position of the node."""
        return any(isinstance(one, DayPart) for one in self.parsed_times)

    @property
    def parsed_times(self) -> tuple[TimeOfDay, ...]:
        return tuple(map(parse_time_of_day, self.times))


class PriorSettings(Section):
    """Time models as a prior: what occurs more often at the time of a window needs less evidence, and less often, more.

    The models are those of the node (`tidzam activity fit`, or the page Activity of the console).
    """

    enabled: bool = Field(False, description="Multiply the odds of classes by how often they occur at the time")
    max_factor: float = Field(
        4.0,
        ge=1,
        le=100,
        allow_inf_nan=False,
        description="The odds are multiplied by at most this factor, and at least its inverse, so that no class is "
        "excluded: with 4, a class with a threshold of 0.5 is always reported from 0.8 on",
    )


class DecisionSettings(Section):
    """How the probabilities of a window become the classes that are reported."""

    rule: DecisionRuleName = Field(
        DEFAULT_RULE, description="Rule that decides: thresholds, margin, topk or an installed one"
    )
    options: dict[str, Any] = Field(
        {}, description="Options of the rule: `margin` and `species` of margin, `count` and `probability` of topk"
    )
    average: bool = Field(
        True, description="If windows overlap, decide on the mean of a window's probabilities and the previous mean"
    )
    overrides: tuple[DecisionOverride, ...] = Field(
        (), description="Other thresholds or rules for some channels, times or classes"
    )
    prior: PriorSettings = PriorSettings()

    @model_validator(mode="after")
    def _options_exist(self) -> DecisionSettings:
        checked_options(self.rule, self.options)
        for override in self.overrides:
            checked_options(override.rule or self.rule, override.options)
        return self

    @property
    def needs_sun(self) -> bool:
        """Whether decisions depend on the position of the node."""
        return any(override.needs_sun for override in self.overrides)


def _named(value: object) -> object:
    """Allow `margin` for `{rule: margin}`."""
    return {"rule": value} if isinstance(value, str) else value


AnyDecisionSettings = Annotated[DecisionSettings, BeforeValidator(_named)]
"""The settings, or only the name of a rule."""
