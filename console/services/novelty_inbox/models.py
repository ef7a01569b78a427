"""What the novelty inbox is asked and returns: the JSON of the REST API, and what the page shows."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from console.services.annotations.models import TagName
from console.services.models import ConsoleModel

MOST_SOUNDS: Final = 2000
"""Detections, the newest ones, that the inbox considers."""

NovelNumbers = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=1 << 62)], ...],
    Field(min_length=1, max_length=MOST_SOUNDS, description="Numbers of the detections"),
]


class GroupOrder(StrEnum):
    """Which groups come first."""

    LARGEST = "largest"
    NEWEST = "newest"


class NoveltyQuery(ConsoleModel):
    """How the sounds of the inbox are grouped."""

    looseness: float = Field(
        1.0,
        ge=0.1,
        le=10.0,
        description="Factor of the distance up to which sounds are one group: smaller ones give more and purer groups",
    )
    order: GroupOrder = Field(GroupOrder.LARGEST, description="Which groups come first")
    limit: int = Field(20, ge=1, le=200, description="Maximum number of groups")
    sounds: int = Field(4, ge=1, le=200, description="Maximum number of sounds that are described per group")


class NovelSound(ConsoleModel):
    """A detection that nobody has judged."""

    id: int = Field(description="Number of the detection")
    source: str = Field(description="Source")
    channel: str = Field(description="Name of the channel in events")
    start: datetime = Field(description="Beginning, UTC")
    end: datetime = Field(description="End, UTC")
    peak_probability: float = Field(description="Share of normal sounds that are less unusual, 0 to 1")


class NovelGroup(ConsoleModel):
    """Sounds that are alike."""

    ids: tuple[int, ...] = Field(description="Numbers of all its detections, the most typical first")
    sounds: tuple[NovelSound, ...] = Field(description="Some of them, from the most typical to the least typical")
    channels: tuple[str, ...] = Field(description="Channels on which they were heard, by their number of sounds")
    first: datetime = Field(description="Beginning of the oldest one, UTC")
    last: datetime = Field(description="Beginning of the newest one, UTC")


class NoveltyInboxView(ConsoleModel):
    """The sounds that nobody has judged, in groups."""

    groups: tuple[NovelGroup, ...] = Field(description="The groups")
    total_groups: int = Field(description="Number of groups, also of those beyond the limit")
    without_sound: tuple[NovelSound, ...] = Field(description="Detections whose sound is not kept, the newest first")
    sounds: int = Field(description="Number of detections that nobody has judged, of the newest that are considered")
    compared: int = Field(description="Number of those that are in groups")
    distance: float = Field(
        description="How far apart the sounds of a group are at most on average: 1 minus the cosine of the angle "
        "between their embeddings"
    )
    waiting: int = Field(description="Number of those that are still to be compared")
    newest: int | None = Field(description="Number of the newest detection; null if there is none")
    base: str | None = Field(description="Bundle whose embeddings are compared; null if it is missing")
    fault: str | None = Field(description="Why sounds cannot be compared; null if they can")


class NameRequest(ConsoleModel):
    """A name for sounds."""

    ids: NovelNumbers
    tag: TagName = Field(description="What is heard")


class NovelSoundsRequest(ConsoleModel):
    """Some sounds of the inbox."""

    ids: NovelNumbers


class RestoreRequest(ConsoleModel):
    """Sounds that go back into the inbox."""

    ids: NovelNumbers
    tag: TagName | None = Field(None, description="The name that was given, whose annotations are deleted")


class NoveltyAnswer(ConsoleModel):
    """What was done."""

    ids: tuple[int, ...] = Field(description="The detections that were changed")
    skipped: int = Field(description="Number of detections that somebody had judged meanwhile, or that are gone")
    annotations: int = Field(description="Number of annotations that were made, or deleted")
