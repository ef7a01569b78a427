"""Annotations and tags as the REST API shows them."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from console.services.models import ConsoleModel
from tidzam.store.queries.annotations import StoredAnnotation
from tidzam.store.tables.annotations import AnnotationOrigin

ChannelName = Annotated[str, Field(min_length=1, max_length=100, description="JACK port, such as `pond:out_0`")]
TagName = Annotated[str, Field(min_length=1, max_length=255)]
Frequency = Annotated[float, Field(ge=0, le=1_000_000)]
RowId = Annotated[int, Field(ge=0, lt=1 << 62)]
Version = Annotated[int, Field(ge=1, lt=1 << 31)]


def _text(value: object) -> object:
    """Raises ValueError for a number, which pydantic would take for seconds since the epoch."""
    if not isinstance(value, str | datetime) or re.fullmatch(r"[-+\d.eE]*", str(value)):
        raise ValueError("expected a time in ISO 8601 with a time zone, such as 2026-05-01T06:30:00Z")
    return value


def _possible(time: datetime) -> datetime:
    """Raises ValueError for times at the ends of the calendar, with which cannot be reckoned."""
    if not 1970 <= time.year < 2200:
        raise ValueError("expected a year from 1970 to 2199")
    return time


IsoTime = Annotated[AwareDatetime, BeforeValidator(_text), AfterValidator(_possible)]
"""A time that is sent, in ISO 8601 with a time zone."""


class OriginName(StrEnum):
    """How an annotation was made."""

    MANUAL = "manual"
    IMPORT = "import"
    DETECTION = "detection"


class AnnotationView(ConsoleModel):
    """A section of sound in which something is heard, as a person says."""

    id: int = Field(description="Number of the annotation")
    channel: str = Field(description="JACK port")
    start: AwareDatetime = Field(description="Beginning, UTC")
    end: AwareDatetime = Field(description="End, UTC")
    low_hz: float | None = Field(description="Lower frequency bound; null if it is open")
    high_hz: float | None = Field(description="Upper frequency bound; null if it is open")
    tag: str = Field(description="What is heard")
    author: str | None = Field(description="Name of the user who made it; null if the user was removed")
    created: AwareDatetime = Field(description="When it was made, UTC")
    changed: AwareDatetime = Field(description="When it was last changed, UTC")
    version: int = Field(description="Number of its version, from 1: a change states the one that it changes")
    origin: OriginName = Field(description="How it was made")

    @classmethod
    def of(cls, stored: StoredAnnotation) -> Self:
        """As the store has it."""
        return cls(
            id=stored.id,
            channel=stored.channel,
            start=stored.start,
            end=stored.end,
            low_hz=stored.low_hz,
            high_hz=stored.high_hz,
            tag=stored.tag,
            author=stored.author,
            created=stored.created,
            changed=stored.changed,
            version=stored.version,
            origin=OriginName(AnnotationOrigin(stored.origin).name.lower()),
        )


class AnnotationRequest(ConsoleModel):
    """An annotation to make."""

    channel: ChannelName
    start: IsoTime = Field(description="Beginning, in ISO 8601 with a time zone")
    end: IsoTime = Field(description="End, in ISO 8601 with a time zone, at most a day later")
    tag: TagName = Field(description="What is heard; a new tag is made")
    low_hz: Frequency | None = Field(None, description="Lower frequency bound in Hz; null leaves it open")
    high_hz: Frequency | None = Field(None, description="Upper frequency bound in Hz; null leaves it open")


class AnnotationChange(ConsoleModel):
    """What to change of an annotation. What is left out stays."""

    version: Version = Field(description="The version that is changed")
    start: IsoTime | None = Field(None, description="Beginning, in ISO 8601 with a time zone")
    end: IsoTime | None = Field(None, description="End, in ISO 8601 with a time zone")
    tag: TagName | None = Field(None, description="What is heard; a new tag is made")
    low_hz: Frequency | None = Field(None, description="Lower frequency bound in Hz; null opens it")
    high_hz: Frequency | None = Field(None, description="Upper frequency bound in Hz; null opens it")


class AnnotationSearch(ConsoleModel):
    """Which annotations are wanted: those that reach into a period. Of several tags, any is enough."""

    channel: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="JACK port of this node, such as `pond:out_0`; null for all channels of all nodes"
    )
    since: IsoTime | None = Field(None, alias="from", description="Beginning of the period, in ISO 8601")
    until: IsoTime | None = Field(None, alias="to", description="End of the period, in ISO 8601")
    tag: tuple[Annotated[str, Field(max_length=255)], ...] = Field((), max_length=100, description="Tags")


class AnnotationList(ConsoleModel):
    """Some annotations, those that begin last first."""

    items: tuple[AnnotationView, ...] = Field(description="The annotations")
    next: str | None = Field(description="Value of `before` for the next page; null if there is none")


class DayTagView(ConsoleModel):
    """The annotations with a tag that begin on a day."""

    day: date = Field(description="Day by the node's clock")
    tag: str = Field(description="The tag")
    annotations: int = Field(description="Number of annotations")


class TagCountView(ConsoleModel):
    """A tag, and how many of the wanted annotations have it."""

    tag: str = Field(description="The tag")
    annotations: int = Field(description="Number of annotations")


class AnnotationCounts(ConsoleModel):
    """How many annotations there are."""

    days: tuple[DayTagView, ...] = Field(description="By day and tag, in the order of days; days without are left out")
    tags: tuple[TagCountView, ...] = Field(description="By tag, the most frequent first")


class TagView(ConsoleModel):
    """A tag."""

    name: str = Field(description="Its name")
    annotations: int = Field(description="Number of annotations that have it")


class AnnotationsChanged(ConsoleModel):
    """What has changed since the previous event `annotations`."""

    changed: tuple[AnnotationView, ...] = Field(description="Annotations that were made or changed")
    deleted: tuple[int, ...] = Field(description="Numbers of annotations that were deleted")
