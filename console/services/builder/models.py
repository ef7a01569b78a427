"""What the model builder is asked for, and what it offers and plans."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator

from console.services.models import ConsoleModel
from tidzam.manifest_fields import NAME_PATTERN

MODEL_NAME = Annotated[str, Field(pattern=NAME_PATTERN, max_length=64, description="Name of the model, and its folder")]
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2200, 1, 1))]
BACKGROUND: Final = "background"
"""The tag of sections that somebody states to hold none of the sounds."""


def is_background(tag: str) -> bool:
    """Whether sound with this tag, or without any, is background."""
    return not tag or tag.lower() == BACKGROUND


def _recognizable(tag: str) -> str:
    if is_background(tag):
        raise ValueError(
            f"{tag!r} stands for sound that is not to be recognized, which is used in any case: choose other tags"
        )
    return tag


Tag = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_recognizable)]


class DayUse(StrEnum):
    """What a day is for: its annotations, or all sound of it as background."""

    TRAIN = "train"
    TEST = "test"
    TRAIN_BACKGROUND = "train-background"
    TEST_BACKGROUND = "test-background"

    @property
    def is_background(self) -> bool:
        return self.value.endswith("background")

    @property
    def background(self) -> DayUse:
        """That of the sound without annotations of such a day."""
        return DayUse.TEST_BACKGROUND if self.value.startswith("test") else DayUse.TRAIN_BACKGROUND


class TagSet(ConsoleModel):
    """A model to build: it recognizes these tags, and rejects everything else as unknown."""

    name: MODEL_NAME
    tags: tuple[Tag, ...] = Field(min_length=1, max_length=200, description="The tags that it recognizes")


class BuildRequest(ConsoleModel):
    """Models to build: a job for each."""

    models: tuple[TagSet, ...] = Field(min_length=1, max_length=10, description="The models")
    base: str = Field("", max_length=64, description="Installed model whose embeddings are used; empty for the demo's")
    days: Mapping[Day, DayUse] = Field(
        min_length=1, max_length=2000, description="What each day of the node's clock is for; others are not used"
    )
    background_between: bool = Field(
        True,
        description="Whether sound of the days for training and tests without any annotation is background. Then what "
        "resembles the tags is left out of that for training: these days may not be annotated completely",
    )
    background_windows: int = Field(
        500, ge=0, le=5000, description="Maximum number of background windows for training, and for tests"
    )
    most_false_alarms: float | None = Field(
        None, ge=0, le=10_000, description="Most false alarms of a tag per day of background; null for the best F1"
    )

    @field_validator("models")
    @classmethod
    def _differ(cls, models: tuple[TagSet, ...]) -> tuple[TagSet, ...]:
        if len({one.name for one in models}) < len(models):
            raise ValueError("two models have the same name")
        return models


class BaseView(ConsoleModel):
    """A model whose embeddings recognizers can use."""

    name: str = Field(description="Its name; empty for the demo's selector")
    title: str = Field(description="Its name for people")
    window_s: float = Field(description="Length of its windows in seconds")
    classes: int = Field(description="Number of its classes")


class BuilderDay(ConsoleModel):
    """A day that has annotations or recordings."""

    day: date = Field(description="By the node's clock")
    annotations: Mapping[str, int] = Field(description="Number of annotations by tag")
    is_recorded: bool = Field(description="Whether the store lists recordings of it")
    suggested: DayUse | None = Field(description="What it would be used for by default")


class BuilderChoices(ConsoleModel):
    """What there is to build models of."""

    days: tuple[BuilderDay, ...] = Field(description="Days with annotations or recordings, the oldest first")
    tags: Mapping[str, int] = Field(description="Number of annotations by tag, without `background`")
    bases: tuple[BaseView, ...] = Field(description="Models whose embeddings can be used, the best first")
    taken: tuple[str, ...] = Field(description="Names that models have")
    least_windows: int = Field(description="Windows that each tag needs in the days for training")


class SetPlan(ConsoleModel):
    """What a model would be made of."""

    name: str = Field(description="Name of the model")
    windows: Mapping[str, int] = Field(description="About how many training windows each tag has")
    test_windows: Mapping[str, int] = Field(description="The same for the test")
    problem: str | None = Field(description="Why it cannot be built; null if it can")


class BuildPlan(ConsoleModel):
    """What would be used."""

    models: tuple[SetPlan, ...] = Field(description="The models")
    annotations: Mapping[DayUse, int] = Field(description="Annotations by use")
    background_windows: Mapping[DayUse, int] = Field(description="About how many background windows, by use")
    unrecorded: int = Field(description="Annotations that are left out, because their sound is not recorded any more")
