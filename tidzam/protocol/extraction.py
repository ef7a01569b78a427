"""The event SampleExtractionRules: which windows the analyzer keeps as clips, and how many clips there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tidzam.config.sinks import ClipRule
from tidzam.protocol.messages import Message, WireNames

SAMPLE_EXTRACTION_RULES: Final = "SampleExtractionRules"

_MOST_RULES: Final = 512
_LONGEST_PATTERNS: Final = 1024


def _rate(value: object) -> object:
    """A rate may be written as text, as Tidzam 2019 documents it."""
    try:
        return float(value) if isinstance(value, str) and value != "auto" else value
    except ValueError:
        return value


def _bounded(rate: float | Literal["auto"]) -> float | Literal["auto"]:
    if rate != "auto" and not 0 <= rate <= 1:
        raise ValueError("a rate is a number from 0 to 1, or auto")
    return rate


class ExtractionRule(Message):
    """Which windows of some channels become clips."""

    rate: Annotated[float | Literal["auto"], BeforeValidator(_rate), AfterValidator(_bounded)] = Field(
        "auto", description="Share of the windows to keep, 0 to 1; auto keeps rare classes rather than common ones"
    )
    classes: WireNames = Field(("*",), description="Classes to keep: globs, or prefixes (`birds-`)")

    def clip_rule(self) -> ClipRule:
        """The same for the clip sink; the channels are those of its key."""
        return ClipRule(classes=self.classes, rate=self.rate)


def _cheap(rules: Mapping[str, ExtractionRule]) -> Mapping[str, ExtractionRule]:
    """Patterns are matched with every window, so that they must not be long."""
    patterns = [*rules, *(glob for rule in rules.values() for glob in rule.classes)]
    length = sum(len(glob) for glob in patterns if any(mark in glob for mark in "*?["))
    if length > _LONGEST_PATTERNS:
        raise ValueError(f"patterns may have {_LONGEST_PATTERNS} characters together, these have {length}")
    return rules


ExtractionRules = Annotated[
    Mapping[Annotated[str, Field(min_length=1, max_length=128)], ExtractionRule],
    Field(max_length=_MOST_RULES),
    AfterValidator(_cheap),
]
"""Rules by source name, port name, or glob of port names."""


class SampleExtractionRequest(Message):
    """Get or set the rules by which clips are kept, or get the number of clips of each class (`database_info`).

    Rules that are set replace the ones set before, and are kept across restarts. They alone decide on the channels that
    their keys name: of several keys, a port comes before its source, and that before globs. The other channels follow
    the settings.
    """

    get: Literal["rules", "database_info"] | None = Field(None, description="What to get")
    set: Literal["rules"] | None = Field(None, description="What to set")
    rules: ExtractionRules | None = Field(
        None, description="With `set`: rules by source name, port name, or glob of port names"
    )

    @model_validator(mode="after")
    def _is_one_request(self) -> Self:
        if (self.get is None) == (self.set is None):
            raise ValueError("a request has either get or set")
        if (self.set is None) != (self.rules is None):
            raise ValueError("set: rules has a key rules with the rules; get has none")
        return self


class SampleExtractionAnswer(Message):
    """The answer: either the rules that were set, or the number of clips of each class."""

    rules: Mapping[str, ExtractionRule] | None = Field(None, description="Rules by source, port or glob")
    database_info: Mapping[str, int] | None = Field(None, description="Number of clips by class")

    def as_wire(self) -> dict[str, Any]:
        """The key that was asked for."""
        return self.model_dump(mode="json", exclude_none=True)
