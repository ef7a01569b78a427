"""REST: the model library, evaluations and thresholds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field
from starlette.responses import FileResponse

from console.services.library import evaluation, example_sound, library, thresholds
from console.services.library.models import EvaluationView, ModelDetail, ModelList, Picture
from console.services.models import ConsoleModel
from console.web.classifier_changes import after_thresholds
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission
from tidzam.labels import Label
from tidzam.recorded_sound.read import SoundFormat

router = APIRouter(prefix="/models", tags=["Models"])

_VIEW, _MANAGE = needs(Permission.VIEW), needs(Permission.MANAGE)
Name = Annotated[str, Path(max_length=100, description="Name of the model")]
Probability = Annotated[float, Field(ge=0, le=1)]
Thresholds = Annotated[
    tuple[Annotated[str, Field(max_length=300)], ...],
    Query(max_length=200, alias="threshold", description="Another threshold, such as `heron:0.5`. Repeatable."),
]
Format = Annotated[SoundFormat, Query(alias="format", description="FLAC, WAV, or Opus, which is lossy")]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The sound", "content": {"audio/flac": {}, "audio/wav": {}, "audio/ogg": {}}}
}
_PICTURE: dict[int | str, dict[str, Any]] = {200: {"description": "The picture", "content": {"image/png": {}}}}


class ThresholdChange(ConsoleModel):
    """Other thresholds of some classes."""

    version: Annotated[str, Field(max_length=64)] = Field(description="The version of the model that was seen")
    thresholds: dict[Label, Probability] = Field(
        max_length=1000, description="The probability from which on each class is reported"
    )


class ThresholdsSaved(ConsoleModel):
    """Thresholds that were saved."""

    version: str = Field(description="The new version of the model")
    fault: str | None = Field(
        description="Why the running analyzer does not use them; null if it does, or does not run the model"
    )


@router.get("", dependencies=[_VIEW])
def list_models(runtime: Runtime) -> ModelList:
    """The models: those that run live first, then the shadow's, then the others."""
    return ModelList(models=library.list_models(runtime.settings, runtime.monitor.analysis))


@router.get("/{name}", dependencies=[_VIEW])
def read_model(runtime: Runtime, name: Name) -> ModelDetail:
    """A model with its thresholds and where it comes from."""
    return library.find_model(runtime.settings, runtime.monitor.analysis, name)


@router.delete("/{name}", dependencies=[_MANAGE], status_code=204)
def remove_model(runtime: Runtime, visitor: CurrentVisitor, name: Name) -> Response:
    """Delete an installed model that is not in use."""
    library.remove(runtime.settings, runtime.store, visitor, runtime.monitor.analysis, name, now=runtime.now())
    return Response(status_code=204)


@router.get("/{name}/evaluation", dependencies=[_VIEW])
def read_evaluation(runtime: Runtime, name: Name, threshold: Thresholds = ()) -> EvaluationView:
    """The evaluation of a recognizer on its test data, and what thresholds cost; also at thresholds not saved."""
    changed = evaluation.parse_thresholds(threshold)
    return evaluation.evaluation(runtime.settings, name, changed)


@router.put("/{name}/thresholds", dependencies=[_MANAGE])
def change_thresholds(
    runtime: Runtime, visitor: CurrentVisitor, name: Name, change: ThresholdChange
) -> ThresholdsSaved:
    """Save thresholds of some classes, as a new version of the model. If it runs live, that one takes its place."""
    version = thresholds.change_thresholds(
        runtime.settings,
        runtime.store,
        visitor,
        name,
        change.thresholds,
        version=change.version,
        now=runtime.now(),
    )
    fault = None if version == change.version else after_thresholds(runtime, visitor, name, replaced=change.version)
    return ThresholdsSaved(version=version, fault=fault)


@router.get("/{name}/pictures/{picture}", dependencies=[_VIEW], response_class=FileResponse, responses=_PICTURE)
def read_picture(runtime: Runtime, name: Name, picture: Picture) -> FileResponse:
    """A picture that the trainer wrote beside the card of a model."""
    return FileResponse(library.picture_file(runtime.settings, name, picture), media_type="image/png")


@router.get("/{name}/windows/{number}/sound", dependencies=[_VIEW], response_class=FileResponse, responses=_FILE)
def read_window_sound(
    runtime: Runtime,
    name: Name,
    number: Annotated[int, Path(ge=0, le=10_000_000, description="Number of the test window")],
    margin_s: Annotated[float, Query(ge=0, le=10, description="Seconds before and after it")] = 1.0,
    sound_format: Format = "flac",
) -> FileResponse:
    """A window of the test data, if its file is a recording, a clip or in the home of the node."""
    path, media_type = example_sound.example_sound(runtime.settings, name, number, sound_format, margin_s=margin_s)
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": "private, max-age=300"})
