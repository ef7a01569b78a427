"""The training file: everything about a training except its data, in YAML. The command line overrides it."""

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
    Equalize,
    Gain,
    MicrophoneNoise,
    Mixup,
    Overlay,
    SpecAugment,
)

SIGMOID_AUGMENTATIONS: tuple[AnyAugmentation, ...] = (Crop(), Gain(), Overlay(), Background(), MicrophoneNoise())
SOFTMAX_AUGMENTATIONS: tuple[AnyAugmentation, ...] = (
    Crop(inside=0.7),
    Equalize(db=10.0),
    Gain(db=(-10.0, 10.0)),
    Background(alone=0.0),
    Mixup(),
    SpecAugment(),
)
"""As in `configs/training/accurate.yaml`, with milder mixing for shorter trainings, and background if there is any."""

ITERATIONS = 20000


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Optimizer(_Section):
    """How the weights are updated."""

    name: Annotated[Literal["adamw", "sgd"], Field(description="Algorithm; `sgd` has Nesterov momentum 0.9.")] = "adamw"
    learning_rate: Annotated[float, Field(ge=0, description="Peak learning rate.")] = 1e-3
    schedule: Annotated[
        Literal["cosine", "constant"], Field(description="Course of the learning rate after the warm-up.")
    ] = "cosine"
    warm_up: Annotated[
        float, Field(ge=0, lt=1, description="Share of the training in which the learning rate rises from 0.")
    ] = 0.05
    weight_decay: Annotated[
        float, Field(ge=0, description="Decoupled weight decay of all weights but biases and normalization.")
    ] = 1e-3
    label_smoothing: Annotated[float, Field(ge=0, lt=1, description="Label smoothing of the targets.")] = 0.0
    clip_norm: Annotated[
        Annotated[float, Field(gt=0)] | None, Field(description="Upper limit of the norm of all gradients together.")
    ] = None
    ema: Annotated[
        Annotated[float, Field(gt=0, lt=1)] | None,
        Field(description="Momentum of an exponential moving average that replaces the weights at the end."),
    ] = None


class FeatureOverrides(_Section):
    """How features are made. The defaults apply to audio folders; a compiled dataset has its own.

    At another sample rate, `fmax_hz` is by default at most half of that rate.
    """

    rate_hz: Annotated[int | None, Field(description="Sample rate that audio is resampled to, in Hz.")] = None
    window_s: Annotated[float | None, Field(description="Length of a window in seconds.")] = None
    fft_length: Annotated[int | None, Field(description="Length of the Fourier transform in samples.")] = None
    hop_length: Annotated[int | None, Field(description="Samples between frames.")] = None
    n_mels: Annotated[int | None, Field(description="Number of mel bands.")] = None
    fmin_hz: Annotated[float | None, Field(description="Lower edge of the lowest band in Hz.")] = None
    fmax_hz: Annotated[float | None, Field(description="Upper edge of the highest band in Hz.")] = None
    floor_db: Annotated[float | None, Field(description="Lowest level of a band in dB; lower levels are raised.")] = (
        None
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            self.over(FeatureSpec())
        except AudioError as error:
            raise ValueError(str(error)) from error
        return self

    def over(self, base: FeatureSpec) -> FeatureSpec:
        """`base` with these overrides. At a lower sample rate, `fmax_hz` is limited to half of it."""
        overrides = self.model_dump(exclude_none=True)
        if "fmax_hz" not in overrides:
            overrides["fmax_hz"] = min(base.fmax_hz, overrides.get("rate_hz", base.rate_hz) / 2)
        return replace(base, **overrides)


def _parents(value: Any) -> Any:
    """A nested tree, `{birds: [crow, goose], rain: }`, as a LabelTree: the parent of each label."""
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
    """Everything about a training except its data."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    dnn: Annotated[
        str, Field(description="Network: `small`, `residual`, `tidzam2019`, the name of a package's, or a Python file.")
    ] = "small"
    dnn_options: Annotated[dict[str, Any], Field(description="Parameters of the network's function `build`.")] = Field(
        default_factory=dict
    )
    activation: Annotated[
        Literal["sigmoid", "softmax"],
        Field(description="`sigmoid`: several classes may be present at once; `softmax`: exactly one is."),
    ] = "sigmoid"
    exclusive: Annotated[
        tuple[Label, ...], Field(description="Classes that are only present alone, such as silence.")
    ] = ()
    background: Annotated[
        tuple[str, ...],
        Field(description="Classes of the data to treat as background, or folders of background audio."),
    ] = ()
    labels: Annotated[
        LabelTree | None,
        BeforeValidator(_parents),
        PlainSerializer(_nested),
        Field(description="Label tree of the experts, nested: `{birds: [crow, goose], rain: }`. None: from the data."),
    ] = None
    features: Annotated[FeatureOverrides, Field(description="How features are made.")] = FeatureOverrides()
    iterations: Annotated[
        Annotated[int, Field(ge=1)] | None,
        Field(description=f"Number of batches; {ITERATIONS} if `epochs` is not set either."),
    ] = None
    epochs: Annotated[
        Annotated[float, Field(gt=0)] | None, Field(description="Length of the training in passes over the data.")
    ] = None
    testing_step: Annotated[int, Field(ge=1, description="Batches between validations.")] = 10
    batch_size: Annotated[int, Field(ge=1, description="Windows per batch.")] = 64
    draw: Annotated[
        Literal["balanced", "natural"],
        Field(description="`balanced` draws all classes equally often, `natural` each clip once per epoch."),
    ] = "balanced"
    optimizer: Annotated[Optimizer, Field(description="How the weights are updated.")] = Optimizer()
    augment: Annotated[
        tuple[AnyAugmentation, ...] | None,
        Field(description="Augmentations, applied in this order. None: a list that suits the activation."),
    ] = None
    ensemble: Annotated[
        int, Field(ge=1, description="Networks trained side by side on the same batches; their mean logit counts.")
    ] = 1
    overlap: Annotated[
        float, Field(ge=0, lt=1, description="Overlap of a clip's windows when the network is evaluated, as a share.")
    ] = 0.0
    seed: Annotated[int, Field(ge=0, description="Seed of all random numbers.")] = 0

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.iterations is not None and self.epochs is not None:
            raise ValueError("iterations and epochs are both set: remove one")
        if self.activation == "softmax":
            several = [one.step for one in self.augmentations if one.adds_classes]
            if several:
                raise ValueError(
                    f"augment: {several[0]} gives an example several classes, which softmax does not allow"
                )
        if any(isinstance(one, Crop) for one in self.augmentations[1:]):
            raise ValueError("augment: crop is only allowed as the first augmentation")
        return self

    @property
    def augmentations(self) -> tuple[AnyAugmentation, ...]:
        """`augment`, or the default of the activation."""
        if self.augment is not None:
            return self.augment
        return SIGMOID_AUGMENTATIONS if self.activation == "sigmoid" else SOFTMAX_AUGMENTATIONS

    def iterations_for(self, examples: int) -> int:
        """The number of batches to train on, with `examples` examples per epoch."""
        if self.epochs is not None:
            return max(1, math.ceil(self.epochs * examples / self.batch_size))
        return self.iterations or ITERATIONS


def read_training_file(path: Path) -> TrainingFile:
    """Read a training file.

    Raises ConfigError with every mistake: its line, the value found, what is allowed and the nearest known name.
    """
    return read_model(path, TrainingFile, labels="labels")


def override(training: TrainingFile, overrides: Mapping[str, Any]) -> TrainingFile:
    """Return `training` updated with `overrides`.

    Nested mappings update sections field by field; None and [] are ignored. Raises ConfigError for an
    invalid result.
    """
    values = training.model_dump(mode="json")
    for name, value in overrides.items():
        if isinstance(value, Mapping):
            values[name] = {**values[name], **{key: one for key, one in value.items() if one is not None}}
        elif value is not None and value != []:
            values[name] = value
    if overrides.get("iterations") is not None:
        values["epochs"] = None
    try:
        return TrainingFile.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(reason(fault) for fault in error.errors())) from None


def to_yaml(training: TrainingFile) -> str:
    """`training` as a training file in which every value is written out."""
    values = training.model_copy(update={"augment": training.augmentations}).model_dump(mode="json")
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
