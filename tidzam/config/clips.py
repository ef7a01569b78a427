"""Settings of clips: which windows become clips, how long these are, and how much of the disk they may take."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from tidzam.config.section import Names, Section
from tidzam.config.sink_base import Channels
from tidzam.patterns import matches

ClipFormat = Literal["wav", "flac", "opus"]

MOST_PRE_S: Final = 10.0
MOST_LENGTH_S: Final = 60.0

PreRoll = Annotated[float, Field(ge=0, le=MOST_PRE_S)]
ClipLength = Annotated[float, Field(gt=0, le=MOST_LENGTH_S)]
ClipSubfolder = Annotated[str, Field(pattern=r"^([A-Za-z0-9_-][A-Za-z0-9_.-]{0,63})?$")]


def _rate(value: object) -> object:
    """A number may be written as text, as Tidzam 2019 documents it."""
    if value == "auto":
        return value
    try:
        rate = float(value) if isinstance(value, str | int | float) else -1.0
    except (ValueError, OverflowError):
        rate = -1.0
    if not 0 <= rate <= 1:
        raise ValueError("a rate is a number from 0 to 1, or auto")
    return rate


ClipRate = Annotated[float | Literal["auto"], BeforeValidator(_rate)]
"""The share of the windows of a class that become clips."""


class ClipRule(Section):
    """Which windows become clips, and how long these are."""

    classes: Names = Field(("*",), description="Classes to keep: globs, or prefixes (`birds-`)")
    channels: Channels = Field(
        (), description="Channel numbers, or ports as globs or prefixes; all channels if not given"
    )
    rate: ClipRate = Field(
        "auto", description="Share of the windows to keep, 0 to 1; auto keeps rare classes rather than common ones"
    )
    length_s: ClipLength | None = Field(
        None, description="Length of a clip, at least `pre_s` and the window; by default these two"
    )
    pre_s: PreRoll = Field(0.0, description="How much of the audio before the window is part of its clip")
    object_filter: bool = Field(
        False, description="Keep only sounds that begin and end within their window, clear of its edges"
    )
    dst: ClipSubfolder = Field("", description="Folder below `folder` that takes the folders of the classes")

    def covers(self, channel: str, label: str) -> bool:
        """Whether the rule is about a class on a channel."""
        return matches(label, self.classes) and (not self.channels or matches(channel, self.channels))


class ClipBudget(Section):
    """How much of the disk clips may take. Before a clip is written, others are deleted until it fits; by default none.

    Clips that are marked are never deleted: those with a file `CLIP.keep` beside them.
    """

    gigabytes: float | None = Field(None, gt=0, description="Total size of the clips in GB, by default unlimited")
    free_gigabytes: float | None = Field(None, gt=0, description="Space in GB that clips leave free on the disk")
    days: float | None = Field(
        None, gt=0, description="Age in days at which clips are deleted, by default never; by counted time"
    )
    per_class: int | None = Field(None, ge=1, description="Maximum number of clips of a class, by default unlimited")
    first: Literal["oldest", "common"] = Field(
        "common",
        description="Which clip is deleted first to make room: `oldest` of all, or the oldest of the most common class",
    )

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return any(limit is not None for limit in (self.gigabytes, self.free_gigabytes, self.days, self.per_class))
