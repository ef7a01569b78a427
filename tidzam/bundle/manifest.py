"""A bundle's manifest, and a bundle on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from tidzam.audio.features import FeatureSpec
from tidzam.audio.waveform import InputSpec, WaveformSpec
from tidzam.bundle.novelty import NOVEL, NoveltySpec
from tidzam.errors import BundleError
from tidzam.labels import Label, LabelTree
from tidzam.manifest_fields import (
    NAME_PATTERN,
    Features,
    FileEntry,
    Labels,
)

FORMAT_VERSION: Final = 1
MANIFEST = "manifest.json"
SELECTOR = "selector"
"""The name of the classifier that runs on every window."""

NetworkFormat = Literal["onnx", "litert", "keras"]
"""The file formats of networks in a bundle."""
FILE_NAMES: Mapping[NetworkFormat, str] = {"onnx": "model.onnx", "litert": "model.tflite", "keras": "model.keras"}
RANGE_MODEL = "range.tflite"
"""The file of a range model."""
MAX_CLASSES: Final = 50_000

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


_OPTIONAL: Final = (
    *("features", "waveform", "output", "scientific_names", "license", "origin"),
    *("root", "parent", "range_model", "data", "novelty"),
)
"""Keys that are left out at their defaults: earlier versions of Tidzam do not know them."""


class License(BaseModel):
    """The license under which a model may be used."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=200, description="Its name, such as CC BY 4.0.")
    url: str = Field("", max_length=2000, description="The address of its text; empty if unknown.")


class BundleManifest(BaseModel):
    """What `manifest.json` holds. Outputs of the model are `classes`, in that order.

    Its input is `features` or a `waveform`, exactly one of them. The classifiers of a cascade are placed by name: an
    expert under the class that it is called after. `parent` names another class, and a `root` runs on every window.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    format_version: Literal[1] = FORMAT_VERSION
    name: str = Field(pattern=NAME_PATTERN)
    features: Features | None = None
    waveform: WaveformSpec | None = None
    hop_s: float = Field(gt=0, allow_inf_nan=False, description="Time from one window to the next in training.")
    classes: tuple[Label, ...] = Field(min_length=1, max_length=MAX_CLASSES, strict=False)
    labels: Labels
    activation: Literal["sigmoid", "softmax"] = Field(
        description="sigmoid: several classes may occur in a window; softmax: exactly one does."
    )
    output: Literal["probabilities", "logits"] = Field(
        "probabilities", description="What the network returns; `activation` turns logits into probabilities."
    )
    thresholds: dict[Label, Probability] = Field(description="The probability from which on each class is reported.")
    files: dict[NetworkFormat, FileEntry] = Field(default_factory=dict)
    data: tuple[FileEntry, ...] = Field(
        default=(), strict=False, description="Other files that a network reads: weights beside an ONNX graph."
    )
    range_model: FileEntry | None = Field(
        None,
        description="A LiteRT network that says how likely each class occurs at a place in a week: latitude, longitude "
        "and week (1 to 48, or -1 for the whole year) in, a probability per class out.",
    )
    novelty: NoveltySpec | None = Field(
        None,
        description="Of a bundle that finds unusual sound: how it is scored. Its network returns vectors, and its only "
        "class is the one of unusual sound.",
    )
    root: bool = Field(False, description="Runs on every window, whatever its name.")
    parent: Label | None = Field(None, description="The class that this expert refines; by default that of its name.")
    scientific_names: dict[Label, str] = Field(
        default_factory=dict, description="The scientific names of those classes that are species."
    )
    license: License | None = Field(None, description="The license of a model that others made.")
    origin: str = Field("", max_length=2000, description="Where a model that others made comes from, and who made it.")
    provenance: dict[str, Any] = Field(description="By whom, when, from which data and with which seed it was trained.")
    accuracy: dict[str, Any] = Field(description="Measured figures, and the data they were measured on.")

    @model_validator(mode="after")
    def _classes_agree(self) -> BundleManifest:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes name one class twice")
        missing = [label for label in self.classes if label not in self.labels]
        if missing:
            raise ValueError(f"classes {missing[:5]} are not in the label tree")
        if set(self.thresholds) != set(self.classes):
            raise ValueError("thresholds and classes name different classes")
        foreign = [label for label in self.scientific_names if label not in self.thresholds]
        if foreign:
            raise ValueError(f"scientific_names {foreign[:5]} are not names of classes")
        return self

    @model_validator(mode="after")
    def _has_one_input(self) -> BundleManifest:
        if (self.features is None) == (self.waveform is None):
            raise ValueError("it must have either features or a waveform")
        return self

    @model_validator(mode="after")
    def _has_one_place(self) -> BundleManifest:
        if self.is_root and self.parent is not None:
            raise ValueError(f"it runs on every window, and cannot have the parent {self.parent!r}")
        return self

    @model_validator(mode="after")
    def _files_agree(self) -> BundleManifest:
        for file_format, entry in self.files.items():
            suffix = Path(FILE_NAMES[file_format]).suffix
            if not entry.name.endswith(suffix):  # another suffix makes an engine read another, less safe format
                raise ValueError(f"the {file_format} file is called {entry.name[:40]!r}; its name must end in {suffix}")
        names = [MANIFEST, *(entry.name for entry in self.all_files)]
        if len(set(names)) < len(names):
            raise ValueError("two files have the same name")
        return self

    @model_validator(mode="after")
    def _is_one_kind(self) -> BundleManifest:
        if self.novelty is not None and (self.classes != (NOVEL,) or self.range_model is not None or self.parent):
            raise ValueError(f"a novelty bundle has one class, {NOVEL}, and neither a range model nor a parent")
        return self

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        left_out = {
            key
            for key in _OPTIONAL
            if getattr(self, key) == fields[key].get_default(call_default_factory=True, validated_data={})
        }
        values: dict[str, Any] = serialize(self)
        return {key: value for key, value in values.items() if key not in left_out}

    @property
    def input(self) -> InputSpec:
        """What the network takes."""
        spec = self.features or self.waveform
        assert spec is not None  # validated
        return spec

    @property
    def feature_spec(self) -> FeatureSpec:
        """The features that the network takes. Raises BundleError (`bundle_features`) if it takes a waveform."""
        if self.features is None:
            raise BundleError(
                f"Classifier {self.name!r} takes a waveform, not features.",
                hint="Use a classifier that was trained by Tidzam.",
                code="bundle_features",
            )
        return self.features

    @property
    def all_files(self) -> tuple[FileEntry, ...]:
        """Every file beside the manifest whose checksum it holds."""
        forest = None if self.novelty is None else self.novelty.forest
        return (*self.files.values(), *self.data, *(one for one in (self.range_model, forest) if one is not None))

    @property
    def version(self) -> str:
        """The first 12 digits of the SHA-256 of what it states, among which are the checksums of its files."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    @property
    def is_selector(self) -> bool:
        return self.name == SELECTOR

    @property
    def is_root(self) -> bool:
        """Whether it runs on every window, rather than only where its parent class is likely."""
        return self.root or self.is_selector

    @property
    def place(self) -> str:
        """The class that it refines, unless it is a root."""
        return self.parent or self.name

    @property
    def labels_in_cascade(self) -> LabelTree:
        """Its label tree within a cascade: an expert's roots are placed under the class that it refines."""
        if self.is_root:
            return self.labels
        hung = {label: self.place if parent is None else parent for label, parent in self.labels.parents.items()}
        return LabelTree({**hung, self.place: None})


@dataclass(frozen=True)
class Bundle:
    """A verified bundle on disk."""

    folder: Path
    manifest: BundleManifest

    @property
    def name(self) -> str:
        return self.manifest.name

    def file(self, file_format: NetworkFormat) -> Path:
        """The path of the network in a format. Raises BundleError (`bundle_engine`) if the bundle has none."""
        entry = self.manifest.files.get(file_format)
        if entry is None:
            raise BundleError(
                f"Bundle {self.name!r} has no {file_format} file, only {', '.join(self.manifest.files)}.",
                hint="Choose another engine, or train the bundle again.",
                code="bundle_engine",
            )
        return self.folder / entry.name
