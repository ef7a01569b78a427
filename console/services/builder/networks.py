"""Training networks on datasets of the node, with the trainer's recipes."""

from __future__ import annotations

import sys
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from console.services.builder.models import MODEL_NAME
from console.services.jobs.requests import JobOrder
from console.services.models import ConsoleModel
from tidzam.bundle import SELECTOR
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.paths import PROFILES, has_unfinished_training, home_folder, models_folder

KIND: Final = "training"
DATASETS: Final = "datasets"
"""The folder in the node's home in which datasets are: folders with a folder of sound files per class, or compiled
ones. Links to such folders count, too."""


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
    dataset: Annotated[str, Field(min_length=1, max_length=255)] = Field(
        description="Name of a folder in `datasets` in the node's home"
    )
    recipe: Recipe = Field(Recipe.SMALL, description="`small`, `residual` or `accurate`")
    iterations: int | None = Field(None, ge=1, le=10_000_000, description="Number of batches; null for the recipe's")
    unfinished: Unfinished | None = Field(
        None,
        description="What becomes of an earlier training of this name that was cancelled or failed: `resume` or "
        "`restart`; null for an error if there is one",
    )
    exclusive: bool = Field(False, description="Whether each sound has exactly one class; `accurate` always does so")


class TrainingChoices(ConsoleModel):
    """What networks can be trained on."""

    datasets: tuple[str, ...] = Field(description="Folders in `datasets` in the node's home")
    folder: str = Field(description="Where that is")
    is_installed: bool = Field(description="Whether TensorFlow, which the trainer needs, is installed")


def training_choices(settings: Settings) -> TrainingChoices:
    """The datasets of the node."""
    folder = home_folder(settings.home) / DATASETS
    found = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    visible = tuple(name for name in found if not name.startswith("."))
    return TrainingChoices(datasets=visible, folder=str(folder), is_installed=_is_installed())


def training_order(settings: Settings, request: TrainingRequest) -> JobOrder:
    """The job that trains a network. Raises RequestError (`no_dataset`, `no_tensorflow`, `model_exists`,
    `training_unfinished`)."""
    choices = training_choices(settings)
    if request.dataset not in choices.datasets:
        raise RequestError(
            f"dataset: there is no dataset {request.dataset!r} in {choices.folder}.",
            hint="Put the folder there, or a link to it.",
            code="no_dataset",
            field="dataset",
        )
    if not choices.is_installed:
        hint = "Run `tidzam install train`."
        raise RequestError("TensorFlow is not installed on the node.", hint=hint, code="no_tensorflow")
    out = models_folder(settings.home) / request.name
    if out.exists():
        hint = "Choose another name, or remove the model first."
        raise RequestError(
            f"name: there is a model {request.name!r} already.", hint=hint, code="model_exists", field="name"
        )
    is_unfinished = has_unfinished_training(out)
    if is_unfinished and request.unfinished is None:
        hint = "Resume it with the same settings, or start again."
        raise RequestError(
            f"name: an earlier training of {request.name!r} did not come to its end.",
            hint=hint,
            code="training_unfinished",
            field="name",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    return JobOrder(
        kind=KIND,
        title=request.name,
        parameters=request.model_dump(mode="json"),
        argv=[
            sys.executable,
            "-P",
            "-m",
            "trainer",
            *_options(Path(choices.folder) / request.dataset, out, request, is_unfinished=is_unfinished),
        ],
    )


def _options(dataset: Path, out: Path, request: TrainingRequest, *, is_unfinished: bool) -> list[str]:
    """The options of the trainer. A network called `selector` runs on every window."""
    options = [f"--dataset-train={dataset}", f"--out={out}", f"--name={SELECTOR}", "--stats-step=0", "--progress-json"]
    if request.recipe is Recipe.ACCURATE:
        options.append(f"--training-file={PROFILES / 'training' / 'accurate.yaml'}")
    else:
        options += [f"--dnn={request.recipe}", f"--activation={'softmax' if request.exclusive else 'sigmoid'}"]
    if is_unfinished and request.unfinished is not None:
        options.append(f"--{request.unfinished}")
    if request.iterations is not None:
        options.append(f"--training-iterations={request.iterations}")
    return options


def _is_installed() -> bool:
    return find_spec("tensorflow") is not None
