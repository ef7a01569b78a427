"""The training file: everything about a training but its data, in YAML. The command line wins over it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from tidzam.audio.features import FeatureSpec
from tidzam.config.read import read_model
from tidzam.errors import AudioError, BundleError, ConfigError
from tidzam.labels import Label, LabelTree, clean_label
from tidzam.validation import reason
from trainer.data.augmentation import (
    AnyAugmentation,
    Background,
    Crop,
    Equalise,
    Gain,
    MicrophoneNoise,
    Mixup,
    Overlay,
    SpecAugment,
)

SIGMOID_STEPS: tuple[AnyAugmentation, ...] = (Crop(), Gain(), Overlay(), Background(), MicrophoneNoise())
SOFTMAX_STEPS: tuple[AnyAugmentation, ...] = (
    Crop(inside=0.7),
    Equalise(db=10.0),
    Gain(db=(-10.0, 10.0)),
    Background(alone=0.0),
    Mixup(),
    SpecAugment(),
)
"""As `configs/training/accurate.yaml`, with milder mixing for shorter trainings, and background where there is some."""

ITERATIONS = 20000


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Optimizer(_Section):
    """How weights are changed. `warm_up` is a share of the whole training; `ema` the momentum of an average of the
    weights, which then takes their place at the end."""

    name: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Annotated[float, Field(ge=0)] = 1e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.05
    weight_decay: Annotated[float, Field(ge=0)] = 1e-3
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None


class Features(_Section):
    """The FeatureSpec's fields. What is not said is the data's if it is compiled, and else the default."""

    rate_hz: int | None = None
    window_s: float | None = None
    fft_length: int | None = None
    hop_length: int | None = None
    n_mels: int | None = None
    fmin_hz: float | None = None
    fmax_hz: float | None = None
    floor_db: float | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            self.over(FeatureSpec())
        except AudioError as error:
            raise ValueError(str(error)) from error
        return self

    def over(self, base: FeatureSpec) -> FeatureSpec:
        """`base` but for what is said here. At another rate it hears as high as that allows, and `base` does."""
        said = self.model_dump(exclude_none=True)
        if "fmax_hz" not in said:
            said["fmax_hz"] = min(base.fmax_hz, said.get("rate_hz", base.rate_hz) / 2)
        return replace(base, **said)


def _parents(value: Any) -> Any:
    """A tree as it is nested, `{birds: [crow, goose], rain: }`, as the parent of each label."""
    if value is None or isinstance(value, LabelTree):
        return value
    pairs = list(_walk(value, None))
    counts = Counter(clean_label(label) for label, _ in pairs)
    twice = sorted(label for label, count in counts.items() if count > 1)
    if twice:
        raise ValueError(f"{', '.join(twice)} stands in the tree twice")
    try:
        return LabelTree(dict(pairs))
    except BundleError as error:
        raise ValueError(str(error)) from error


def _walk(tree: Any, parent: str | None) -> Iterator[tuple[str, str | None]]:
    if isinstance(tree, dict):
        for label, below in tree.items():
            yield str(label), parent
            yield from _walk(below, str(label))
    elif isinstance(tree, list):
        for one in tree:
            yield from _walk(one, parent)
    elif tree is not None:
        yield str(tree), parent


def _nested(tree: LabelTree | None, label: str | None = None) -> Any:
    """The inverse of `_parents`."""
    if tree is None:
        return None
    return {child: _nested(tree, child) for child in tree.children(label)} or None


class TrainingFile(_Section):
    """Everything about a training but its data.

    `background` names classes of the data that are nothing to be recognised, or folders of such sound. `labels` is
    the tree of the experts. Of `epochs` and `iterations`, one may be given. `draw`: `balanced` takes each class as
    often, `natural` each clip once an epoch. `ensemble` networks learn side by side from the same batches and answer by
    their mean. `overlap` is that of a clip's windows when the trained network is measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    dnn: str = "small"
    dnn_options: dict[str, Any] = Field(default_factory=dict)
    activation: Literal["sigmoid", "softmax"] = "sigmoid"
    exclusive: tuple[Label, ...] = ()
    background: tuple[str, ...] = ()
    labels: Annotated[LabelTree | None, BeforeValidator(_parents), PlainSerializer(_nested)] = None
    features: Features = Features()
    iterations: Annotated[int, Field(ge=1)] | None = None
    epochs: Annotated[float, Field(gt=0)] | None = None
    testing_step: Annotated[int, Field(ge=1)] = 10
    batch_size: Annotated[int, Field(ge=1)] = 64
    draw: Literal["balanced", "natural"] = "balanced"
    optimizer: Optimizer = Optimizer()
    augment: tuple[AnyAugmentation, ...] | None = None
    ensemble: Annotated[int, Field(ge=1)] = 1
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.0
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.iterations is not None and self.epochs is not None:
            raise ValueError("iterations and epochs both say how long to train: keep one")
        if self.activation == "softmax":
            kinds = [one.step for one in self.steps if one.step == "together"]
            if kinds:
                raise ValueError("augment: together lays classes over one another, and softmax tells of exactly one")
        if any(one.step == "crop" for one in self.steps[1:]):
            raise ValueError("augment: crop comes first, or not at all")
        return self

    @property
    def steps(self) -> tuple[AnyAugmentation, ...]:
        """The augmentation: what `augment` says, or what suits the activation."""
        if self.augment is not None:
            return self.augment
        return SIGMOID_STEPS if self.activation == "sigmoid" else SOFTMAX_STEPS

    def iterations_for(self, examples: int) -> int:
        """How many batches to train on, with so many examples an epoch."""
        if self.epochs is not None:
            return max(1, math.ceil(self.epochs * examples / self.batch_size))
        return self.iterations or ITERATIONS


def read_training_file(path: Path) -> TrainingFile:
    """Raises ConfigError naming every mistake: its line, what was found, what is allowed, the nearest known name."""
    return read_model(path, TrainingFile, labels="labels")


def override(training: TrainingFile, said: Mapping[str, Any]) -> TrainingFile:
    """`training`, but for what is `said`: values by field name, or of a section by its fields. None says nothing, nor
    does an empty list.

    Raises ConfigError if the result does not hold together.
    """
    values = training.model_dump(mode="json")
    for name, value in said.items():
        if isinstance(value, Mapping):
            values[name] = {**values[name], **{key: one for key, one in value.items() if one is not None}}
        elif value is not None and value != []:
            values[name] = value
    if said.get("iterations") is not None:
        values["epochs"] = None
    try:
        return TrainingFile.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(reason(fault) for fault in error.errors())) from None


def to_yaml(training: TrainingFile) -> str:
    """A training file that says all that `training` does, its defaults too."""
    values = training.model_copy(update={"augment": training.steps}).model_dump(mode="json")
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
