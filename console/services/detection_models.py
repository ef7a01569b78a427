"""Detections as the REST API and the pages show them, and the filters of both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import Field

from console.services.models import ConsoleModel
from console.services.rarity import Rarity
from tidzam.daytime import DayPart
from tidzam.store.queries.detections import StoredDetection
from tidzam.store.tables.detections import DetectionVerdict

EARLIEST, LATEST = date(1970, 1, 2), date(2199, 12, 30)
Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]
_Name = Annotated[str, Field(max_length=200)]


class VerdictName(StrEnum):
    """What a person says about a detection."""

    RIGHT = "right"
    WRONG = "wrong"
    OTHER_CLASS = "other_class"
    UNSURE = "unsure"


class VerdictFilter(StrEnum):
    """A verdict, or that there is none."""

    RIGHT = "right"
    WRONG = "wrong"
    OTHER_CLASS = "other_class"
    UNSURE = "unsure"
    NONE = "none"


STORED: Final[Mapping[VerdictName, DetectionVerdict]] = {
    verdict: DetectionVerdict[verdict.name] for verdict in VerdictName
}
"""Verdicts as the store keeps them."""
SHOWN: Final[Mapping[DetectionVerdict, VerdictName]] = {stored: verdict for verdict, stored in STORED.items()}


class CountFilter(ConsoleModel):
    """What is counted. Of several values of one field, any is enough; all fields must agree."""

    first_day: Day | None = Field(None, description="First day by the node's clock, such as 2026-05-01")
    last_day: Day | None = Field(None, description="Last day by the node's clock, included")
    classes: tuple[_Name, ...] = Field(
        (),
        alias="class",
        max_length=50,
        description="Paths of classes with `/` between labels; those below are included. A group, such as `birds` or "
        "`frogs`, includes its species among the classes of all models",
    )
    silence: bool = Field(
        False, description="Whether classes of no sound in particular, `silence` and `background`, are included"
    )
    channel: tuple[_Name, ...] = Field((), max_length=100, description="Channels, by their names in events")
    model: tuple[_Name, ...] = Field((), max_length=50, description="Names of models, or `NAME@VERSION`")


class DetectionSearch(CountFilter):
    """Which detections are wanted. Of several values of one field, any is enough; all fields must agree."""

    min_probability: float = Field(0.0, ge=0, le=1, description="Least peak probability, 0 to 1")
    max_probability: float = Field(1.0, ge=0, le=1, description="Greatest peak probability, 0 to 1")
    min_duration_s: float = Field(0.0, ge=0, le=86400, description="Least length in seconds")
    day_part: tuple[DayPart, ...] = Field((), max_length=4, description="Parts of the day by the sun")
    verdict: tuple[VerdictFilter, ...] = Field((), max_length=5, description="Verdicts; `none` if nobody has judged it")
    starred: bool | None = Field(None, description="Whether it is starred")

    @property
    def needs_rows(self) -> bool:
        """Whether it concerns single detections, so that the counts that are kept do not answer it."""
        own = DetectionSearch.model_fields.keys() - CountFilter.model_fields.keys()
        return any(getattr(self, name) != DetectionSearch.model_fields[name].default for name in own)


class DetectionView(ConsoleModel):
    """A detection."""

    id: int = Field(description="Number of the detection in the store")
    node: str = Field(description="Name of the node")
    source: str = Field(description="Name of the source")
    channel: str = Field(description="Name of the channel in events")
    path: tuple[str, ...] = Field(description="Labels from the root to the class")
    model: str = Field(description="Name of the classifier; empty if it is not known")
    version: str = Field(description="Version of the classifier; empty if it is not known")
    start: datetime = Field(description="Beginning, UTC")
    end: datetime = Field(description="End so far, UTC")
    duration_s: float = Field(description="Length in seconds")
    peak_probability: float = Field(description="Greatest probability of a window, 0 to 1")
    mean_probability: float = Field(description="Mean probability of the windows, 0 to 1")
    windows: int = Field(description="Number of windows")
    level_dbfs: float | None = Field(description="Level in dBFS; null if it is not known")
    is_open: bool = Field(description="Whether it still goes on")
    day_part: DayPart | None = Field(description="Part of the day by the sun; null if the node's position is not known")
    verdict: VerdictName | None = Field(description="The last verdict of a person; null if there is none")
    other_class: tuple[str, ...] | None = Field(description="What is heard instead, with the verdict `other_class`")
    is_starred: bool = Field(description="Whether somebody has starred it")
    has_clip: bool = Field(description="Whether its sound was kept as a clip")
    novelty: Rarity | None = Field(
        description="Whether it is the first of its class `ever`, in the `year`, after an absence of two weeks "
        "(`return`), in the `season` or on the `day`; null if it is not, or was judged wrong"
    )
    channels: tuple[Mapping[str, Any], ...] = Field(description="All channels that heard it, the loudest first")

    @classmethod
    def of(cls, stored: StoredDetection, other_class: tuple[str, ...] | None, novelty: Rarity | None) -> Self:
        """As the store knows it, with the class that was heard instead."""
        return cls(
            id=stored.id,
            node=stored.node,
            source=stored.source,
            channel=stored.channel,
            path=stored.path,
            model=stored.model,
            version=stored.version,
            start=stored.start,
            end=stored.end,
            duration_s=(stored.end - stored.start).total_seconds(),
            peak_probability=stored.peak_probability,
            mean_probability=stored.mean_probability,
            windows=stored.windows,
            level_dbfs=stored.level_dbfs,
            is_open=stored.is_open,
            day_part=stored.day_part,
            verdict=None if stored.verdict is None else SHOWN[stored.verdict],
            other_class=other_class,
            is_starred=stored.is_marked,
            has_clip=stored.clip is not None,
            novelty=novelty,
            channels=tuple(stored.channels),
        )


class DetectionList(ConsoleModel):
    """Some detections, the newest first."""

    detections: tuple[DetectionView, ...] = Field(description="The detections; a page may be short or empty")
    next: str | None = Field(description="Value of `before` for the next page; null if there is none")


class VerdictView(ConsoleModel):
    """A verdict of a person on a detection."""

    time: datetime = Field(description="When, UTC")
    author: str | None = Field(description="Name of the user; null if the user was removed")
    verdict: VerdictName = Field(description="The verdict")
    other_class: tuple[str, ...] | None = Field(description="What is heard instead, with the verdict `other_class`")


class DetectionDetail(DetectionView):
    """A detection with all verdicts on it."""

    verdicts: tuple[VerdictView, ...] = Field(description="All verdicts that were not taken back, the latest first")


class ModelChoice(ConsoleModel):
    """A version of a classifier."""

    name: str = Field(description="Name; empty if it is not known")
    version: str = Field(description="Version; empty if it is not known")


class FilterChoices(ConsoleModel):
    """What filters can name."""

    groups: tuple[str, ...] = Field(description="Groups of animals that have classes, such as `birds`")
    classes: tuple[str, ...] = Field(description="Paths of classes, with `/` between labels")
    channels: tuple[str, ...] = Field(description="Channels, by their names in events")
    models: tuple[ModelChoice, ...] = Field(description="Models")
