"""Training networks on datasets of the node, with the trainer's recipes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import Field

from console.services.builder.models import MODEL_NAME
from console.services.jobs.requests import FOLDER, JobOrder
from console.services.models import ConsoleModel
from tidzam.bundle import SELECTOR, installed_models, read_manifest
from tidzam.config import Settings
from tidzam.errors import BundleError, RequestError
from tidzam.paths import PROFILES, has_unfinished_training, home_folder, models_folder

KIND: Final = "training"
DATASETS: Final = "datasets"
"""The folder in the node's home in which datasets are: folders with a folder of sound files per class, or compiled
ones. Links to such folders count, too."""
_TRAINING_FILE: Final = "training.yaml"
_SECTIONS: Final = ("optimizer", "features")
"""The keys of a training file with keys of their own that a request replaces."""
_Dataset = Annotated[str, Field(min_length=1, max_length=255)]


class Recipe(StrEnum):
    """How a network is trained."""

    SMALL = "small"
    """A network of 10,000 weights, for many channels on a small machine."""
    RESIDUAL = "residual"
    """A larger network, for accuracy."""
    ACCURATE = "accurate"
    """The settings of `configs/training/accurate.yaml`: the most accurate one, for clips of five seconds."""


class Unfinished(StrEnum):
    """What becomes of an earlier training that ended early."""

    RESUME = "resume"
    """It is continued from its last checkpoint. The recipe and its options must be the same."""
    RESTART = "restart"
    """It is discarded."""


class TrainingRequest(ConsoleModel):
    """A network to train."""

    name: MODEL_NAME
    dataset: _Dataset = Field(description="Name of a folder in `datasets` in the node's home")
    recipe: Recipe = Field(Recipe.SMALL, description="`small`, `residual` or `accurate`")
    iterations: int | None = Field(None, ge=1, le=10_000_000, description="Number of batches; null for the recipe's")
    unfinished: Unfinished | None = Field(
        None,
        description="What becomes of an earlier training of this name that was cancelled or failed: `resume` or "
        "`restart`; null for an error if there is one",
    )
    exclusive: bool = Field(False, description="Whether each sound has exactly one class; `accurate` always does so")
    validation: _Dataset | None = Field(
        None, description="Dataset that the network is validated on; null for a fifth of the recordings"
    )
    start: MODEL_NAME | None = Field(
        None,
        description="Installed network to go on from, with its recipe and features; its classes may be others; null "
        "for random weights",
    )
    augment: bool = Field(True, description="Whether sounds are varied while it learns")
    batch_size: int | None = Field(None, ge=1, le=4096, description="Windows per batch; null for the recipe's")
    learning_rate: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="Peak learning rate; null for the recipe's"
    )
    window_s: Annotated[float, Field(ge=0.1, le=60, allow_inf_nan=False)] | None = Field(
        None, description="Length of a window in seconds; null for the recipe's"
    )
    seed: int | None = Field(None, ge=0, le=2**31, description="Seed of all random numbers; null for the recipe's")


class TrainingChoices(ConsoleModel):
    """What networks can be trained on."""

    datasets: tuple[str, ...] = Field(description="Folders in `datasets` in the node's home")
    starts: tuple[str, ...] = Field(description="Installed networks that a training can go on from")
    folder: str = Field(description="Where that is")
    is_installed: bool = Field(description="Whether TensorFlow, which the trainer needs, is installed")


def datasets_folder(settings: Settings) -> Path:
    """Where the datasets of the node are."""
    return home_folder(settings.home) / DATASETS


def training_choices(settings: Settings) -> TrainingChoices:
    """The datasets of the node, and the networks that were trained on it."""
    folder = datasets_folder(settings)
    found = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return TrainingChoices(
        datasets=tuple(name for name in found if not name.startswith(".")),
        starts=tuple(_trained(models_folder(settings.home))),
        folder=str(folder),
        is_installed=_is_installed(),
    )


def training_order(settings: Settings, request: TrainingRequest) -> JobOrder:
    """The job that trains a network.

    Raises RequestError (`no_dataset`, `no_model`, `no_tensorflow`, `model_exists`, `training_unfinished`).
    """
    choices = training_choices(settings)
    for name, field in ((request.dataset, "dataset"), (request.validation, "validation")):
        if name is not None and name not in choices.datasets:
            message = f"{field}: there is no dataset {name!r} in {choices.folder}."
            hint = "Make it, or put the folder there, or a link to it."
            raise RequestError(message, hint=hint, code="no_dataset", field=field)
    if not choices.is_installed:
        hint = "Run `tidzam install train`."
        raise RequestError("TensorFlow is not installed on the node.", hint=hint, code="no_tensorflow")
    models = models_folder(settings.home)
    base = None if request.start is None else _trained(models).get(request.start)
    if request.start is not None and base is None:
        hint = "Choose one that was trained on this node."
        message = f"start: there is no network {request.start!r} to go on from."
        raise RequestError(message, hint=hint, code="no_model", field="start")
    if (models / request.name).exists():
        hint = "Choose another name, or remove the model first."
        message = f"name: there is a model {request.name!r} already."
        raise RequestError(message, hint=hint, code="model_exists", field="name")
    is_unfinished = has_unfinished_training(models / request.name)
    if is_unfinished and request.unfinished is None:
        hint = "Resume it with the same settings, or start again."
        message = f"name: an earlier training of {request.name!r} did not come to its end."
        raise RequestError(message, hint=hint, code="training_unfinished", field="name")
    options = _options(Path(choices.folder), models, request)
    if is_unfinished:
        options.append(f"--{request.unfinished}")
    models.mkdir(parents=True, exist_ok=True)
    return JobOrder(
        kind=KIND,
        title=request.name,
        parameters=request.model_dump(mode="json"),
        argv=[sys.executable, "-P", "-m", "trainer", *options],
        files={_TRAINING_FILE: training_file(request, base)},
        is_only=True,
    )


def training_file(request: TrainingRequest, base: Mapping[str, Any] | None) -> str:
    """What is learned, and how, as the trainer reads it: the recipe, or the training file of the network that the
    training goes on from, with what is asked for in its place."""
    if base is not None:
        values: dict[str, Any] = dict(base)
    elif request.recipe is Recipe.ACCURATE:
        values = yaml.safe_load((PROFILES / "training" / "accurate.yaml").read_text(encoding="utf-8"))
    else:
        values = {"dnn": request.recipe.value, "activation": "softmax" if request.exclusive else "sigmoid"}
    if request.iterations is not None:
        values = {**values, "iterations": request.iterations, "epochs": None}
    if request.learning_rate is not None:
        values["optimizer"] = {**(values.get("optimizer") or {}), "learning_rate": request.learning_rate}
    if request.window_s is not None:
        values["features"] = {**(values.get("features") or {}), "window_s": request.window_s}
    augment: list[str] | None = None if request.augment else []
    given: dict[str, Any] = {"batch_size": request.batch_size, "seed": request.seed, "augment": augment}
    values |= {name: value for name, value in given.items() if value is not None}
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _options(datasets: Path, models: Path, request: TrainingRequest) -> list[str]:
    """The options of the trainer. A network called `selector` runs on every window."""
    options = [
        f"--dataset-train={datasets / request.dataset}",
        f"--out={models / request.name}",
        f"--name={SELECTOR}",
        f"--training-file={FOLDER}/{_TRAINING_FILE}",
        "--stats-step=0",
        "--progress-json",
    ]
    if request.validation is not None:
        options.append(f"--dataset-test={datasets / request.validation}")
    if request.start is not None:
        options.append(f"--init={models / request.start}")
    return options


def _trained(models: Path) -> dict[str, dict[str, Any]]:
    """The training files of the installed networks that the trainer has trained, by name. Other bundles may have
    anything in its place."""
    found = {}
    for name in installed_models(models):
        try:
            text = read_manifest(models / name).provenance.get("training_file")
        except BundleError:  # the page Models says so
            continue
        values = _training_values(text)
        if values is not None:
            found[name] = values
    return found


def _training_values(text: object) -> dict[str, Any] | None:
    """The keys of a training file; None if it is none."""
    try:
        values = yaml.safe_load(text) if isinstance(text, str) else None
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that does not exist
        return None
    if not isinstance(values, dict) or any(not isinstance(values.get(key) or {}, dict) for key in _SECTIONS):
        return None
    return values


def _is_installed() -> bool:
    return find_spec("tensorflow") is not None
