"""Datasets of annotations: the jobs that cut clips out of recordings, into a folder per tag."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final

from pydantic import Field

from console.services.builder.material import Material
from console.services.builder.models import BACKGROUND, MODEL_NAME, Day, DayUse, Tag
from console.services.builder.networks import datasets_folder
from console.services.builder.sections import TrainingSection, spread
from console.services.jobs.requests import FOLDER, JobOrder
from console.services.models import ConsoleModel
from tidzam.config import Settings
from tidzam.errors import RequestError

KIND: Final = "dataset"
LIST: Final = "clips.csv"
TEST: Final = "-test"
"""What the name of the dataset of the days for tests ends with."""
_LEAST_CLASSES: Final = 2


class DatasetRequest(ConsoleModel):
    """A dataset to make of annotations."""

    name: MODEL_NAME
    tags: tuple[Tag, ...] = Field(min_length=1, max_length=200, description="The tags: a class each")
    days: Mapping[Day, DayUse] = Field(
        min_length=1,
        max_length=2000,
        description="What each day of the node's clock is for: those for tests make a second dataset, `NAME-test`",
    )
    background_clips: int = Field(
        200, ge=0, le=5000, description="Maximum number of clips of the class `background` in each; 0 for none"
    )
    least_s: Annotated[float, Field(ge=0.5, le=60, allow_inf_nan=False)] = Field(
        3.0, description="Least length of a clip in seconds: the sound around shorter annotations is included"
    )


def dataset_orders(settings: Settings, request: DatasetRequest, material: Material) -> list[JobOrder]:
    """The job that makes a dataset, and the one for that of the days for tests. Raises RequestError (`dataset_small`,
    `dataset_place`)."""
    return [*_orders(settings, request, material)]


def _orders(settings: Settings, request: DatasetRequest, material: Material) -> Iterator[JobOrder]:
    for uses, suffix in (
        ((DayUse.TRAIN, DayUse.TRAIN_BACKGROUND), ""),
        ((DayUse.TEST, DayUse.TEST_BACKGROUND), TEST),
    ):
        of_use = [one for one in material.sections if one.use in uses]
        clips = [one for one in of_use if one.tag in request.tags]
        if suffix and not clips:
            continue
        classes = {one.tag for one in clips}
        missing = [tag for tag in request.tags if tag not in classes]
        if missing and not suffix:
            message = f"tags: {missing[0]} has no recorded section on the days for training."
            raise RequestError(message, hint="Leave it out, or use more days.", code="dataset_small", field="tags")
        background = _background([one for one in of_use if one.is_background], request)
        if background:
            classes.add(BACKGROUND)
        if len(classes) < _LEAST_CLASSES:
            days = "for tests" if suffix else "for training"
            message = f"The days {days} have clips of {len(classes)} class: a network needs {_LEAST_CLASSES}."
            hint = "Choose more tags, more days, or background."
            raise RequestError(message, hint=hint, code="dataset_small", field="days")
        yield _order(settings, request, f"{request.name}{suffix}", [*clips, *background])


def _background(sections: Sequence[TrainingSection], request: DatasetRequest) -> list[TrainingSection]:
    """The clips of background: first what was annotated as such, then what is spread evenly over the rest."""
    annotated = [one for one in sections if not one.use.is_background][: request.background_clips]
    rest = [one for one in sections if one.use.is_background]
    return [*annotated, *spread(rest, request.background_clips - len(annotated), window_s=request.least_s)]


def _order(settings: Settings, request: DatasetRequest, name: str, clips: Iterable[TrainingSection]) -> JobOrder:
    folder = datasets_folder(settings) / name
    if folder.exists():
        message = f"name: there is a dataset {name!r} already."
        raise RequestError(message, hint="Choose another name.", code="dataset_place", field="name")
    folder.parent.mkdir(parents=True, exist_ok=True)
    words = [f"--least-s={request.least_s:g}", "--progress-json"]
    return JobOrder(
        kind=KIND,
        title=name,
        parameters=request.model_dump(mode="json"),
        argv=[sys.executable, "-P", "-m", "database_tool", "cut", f"{FOLDER}/{LIST}", str(folder), *words],
        files={LIST: clip_list(clips)},
        is_only=True,
    )


def clip_list(clips: Iterable[TrainingSection]) -> str:
    """Sections as the list that `python -m database_tool cut` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "start", "end", "label", "channel"])
    for one in clips:
        label = BACKGROUND if one.is_background else one.tag
        writer.writerow([one.path, f"{one.start_s:.3f}", f"{one.end_s:.3f}", label, one.channel])
    return text.getvalue()
