"""What the search by example is asked and returns: the JSON of the REST API, and what the page shows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, model_validator

from console.services.detection_models import Day
from console.services.models import ConsoleModel

_Channel = Annotated[str, Field(max_length=100)]


class SearchLimits(ConsoleModel):
    """Where results may come from."""

    only_channel: tuple[_Channel, ...] = Field((), max_length=100, description="Only these channels; by default, all")
    first_day: Day | None = Field(None, description="Only from this day on, by the node's clock, such as 2026-05-01")
    last_day: Day | None = Field(None, description="Only until this day, included")


class ExampleQuery(SearchLimits):
    """A sound to search for: a detection, an annotation, or a section of a channel's recordings."""

    detection: int | None = Field(None, ge=0, lt=1 << 62, description="Number of a detection")
    annotation: int | None = Field(None, ge=0, lt=1 << 62, description="Number of an annotation")
    channel: _Channel | None = Field(None, description="JACK port, such as `pond:out_0`, with `start` and `end`")
    start: AwareDatetime | None = Field(None, description="Beginning of the example, in ISO 8601 with a time zone")
    end: AwareDatetime | None = Field(None, description="End of the example; at most 60 s after its beginning count")
    limit: int = Field(20, ge=1, le=200, description="Maximum number of results")

    @model_validator(mode="after")
    def _is_one_example(self) -> ExampleQuery:
        section = (self.channel, self.start, self.end)
        is_section = any(value is not None for value in section)
        if [self.detection is not None, self.annotation is not None, is_section].count(True) != 1:
            raise ValueError("expected either detection, or annotation, or channel, start and end")
        if is_section and None in section:
            raise ValueError("channel, start and end require one another")
        if self.start is not None and self.end is not None:
            if not (1970 <= self.start.year < 2200 and 1970 <= self.end.year < 2200):
                raise ValueError("expected years from 1970 to 2199")
            if self.end <= self.start:
                raise ValueError("end must be after start")
        return self


class HeardThen(ConsoleModel):
    """A detection at the time of a result."""

    id: int = Field(description="Number of the detection")
    path: tuple[str, ...] = Field(description="Labels from the root to the class")
    peak_probability: float = Field(description="Greatest probability of a window, 0 to 1")


class SimilarSound(ConsoleModel):
    """A window of a recording, and what was detected in it."""

    channel: str = Field(description="Name of the channel in events")
    start: datetime = Field(description="Beginning, UTC")
    end: datetime = Field(description="End, UTC")
    similarity: float = Field(description="Cosine of the angle between the embeddings of both sounds; 1 if equal")
    detections: tuple[HeardThen, ...] = Field(description="What was detected then, likeliest first")


class SearchIndexView(ConsoleModel):
    """The index that is searched."""

    base: str = Field(description="Bundle whose embeddings are compared")
    version: str = Field(description="Version of that bundle")
    window_s: float = Field(description="Length of a window in seconds")
    recordings: int = Field(description="Number of recordings in the index")
    unreadable: int = Field(description="Number of recordings that could not be read")
    windows: int = Field(description="Number of windows of all channels")
    hours: float = Field(description="Hours of sound, of all channels together")
    bytes: int = Field(description="Size on disk")
    oldest: datetime | None = Field(description="Beginning of the oldest sound in it, UTC; null if it is empty")
    newest: datetime | None = Field(description="End of the newest sound in it, UTC; null if it is empty")


class SearchAnswer(ConsoleModel):
    """The sounds that are most similar to an example."""

    channel: str = Field(description="The channel of the example")
    start: datetime = Field(description="Beginning of the example, UTC")
    end: datetime = Field(description="End of the example, UTC")
    results: tuple[SimilarSound, ...] = Field(
        description="The most similar first; neighbors of better ones are left out"
    )


class NextQuery(SearchLimits):
    """What should be labeled next."""

    recognizer: Annotated[str, Field(max_length=200)] | None = Field(
        None,
        description="Installed recognizer, whose uncertainty counts; by default, how near detections are to the lowest "
        "probability at which their class was detected",
    )
    draw: int = Field(0, ge=0, lt=1 << 31, description="Of a large archive, each draw considers other windows")
    limit: int = Field(20, ge=1, le=100, description="Maximum number of sounds")


class NextSound(ConsoleModel):
    """A window that would teach a recognizer much."""

    channel: str = Field(description="Name of the channel in events")
    start: datetime = Field(description="Beginning, UTC")
    end: datetime = Field(description="End, UTC")
    uncertainty: float = Field(description="How near it is to a threshold: 1 at the threshold, 0 if it is certain")
    novelty: float = Field(description="How unlike all annotated sounds it is, from 0 to 1; 1 if there are none")
    likeliest: str | None = Field(description="The likeliest tag of the recognizer; null without one")


class NextSounds(ConsoleModel):
    """The sounds to label next: uncertain ones, unlike what is annotated, and unlike one another."""

    items: tuple[NextSound, ...] = Field(description="The sounds, the best first")
    considered: int = Field(description="Number of windows that were considered")
    labeled: int = Field(description="Number of windows in the index that hold annotations")
