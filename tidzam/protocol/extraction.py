"""The event SampleExtractionRules: which windows the analyzer keeps as clips, and how many clips there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tidzam.config.clips import ClipLength, ClipRate, ClipRule, ClipSubfolder, PreRoll
from tidzam.protocol.globs import check_globs
from tidzam.protocol.messages import Message, WireNames

SAMPLE_EXTRACTION_RULES: Final = "SampleExtractionRules"

_MOST_RULES: Final = 512


class ExtractionRule(Message):
    """Which windows of some channels become clips."""

    rate: ClipRate = Field(
        "auto", description="Share of the windows to keep, 0 to 1; auto keeps rare classes rather than common ones"
    )
    classes: WireNames = Field(("*",), description="Classes to keep: globs, or prefixes (`birds-`)")
    length_s: ClipLength | None = Field(
        None, description="Length of a clip in seconds, at least `pre_s` and the window; by default these two"
    )
    pre_s: PreRoll = Field(0.0, description="Seconds of the audio before the window that are part of its clip")
    object_filter: bool = Field(False, description="Keep only sounds that begin and end within their window")
    dst: ClipSubfolder = Field("", description="Folder, below that of the clips, that takes the folders of the classes")

    def clip_rule(self) -> ClipRule:
        """The same for the clip sink; the channels are those of its key."""
        return ClipRule.model_validate(self.model_dump())


def _checked(rules: Mapping[str, ExtractionRule]) -> Mapping[str, ExtractionRule]:
    check_globs([*rules, *(glob for rule in rules.values() for glob in rule.classes)])
    return rules


ExtractionRules = Annotated[
    Mapping[Annotated[str, Field(min_length=1, max_length=128)], ExtractionRule],
    Field(max_length=_MOST_RULES),
    AfterValidator(_checked),
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
