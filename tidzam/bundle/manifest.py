"""A bundle's manifest, and a bundle on disk."""

from __future__ import annotations

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

NetworkFormat = Literal["onnx", "keras"]
"""The file formats of networks in a bundle."""
FILE_NAMES: Mapping[NetworkFormat, str] = {"onnx": "model.onnx", "keras": "model.keras"}
MAX_CLASSES: Final = 50_000

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class BundleManifest(BaseModel):
    """What `manifest.json` holds. Outputs of the model are `classes`, in that order."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    format_version: Literal[1] = FORMAT_VERSION
    name: str = Field(pattern=NAME_PATTERN)
    features: Features
    hop_s: float = Field(gt=0, allow_inf_nan=False, description="Time from one window to the next in training.")
    classes: tuple[Label, ...] = Field(min_length=1, max_length=MAX_CLASSES, strict=False)
    labels: Labels
    activation: Literal["sigmoid", "softmax"] = Field(
        description="sigmoid: several classes may occur in a window; softmax: exactly one does."
    )
    thresholds: dict[Label, Probability] = Field(description="The probability from which on each class is reported.")
    files: dict[NetworkFormat, FileEntry] = Field(default_factory=dict)
    data: tuple[FileEntry, ...] = Field(
        default=(), strict=False, description="Other files that a network reads: weights beside an ONNX graph."
    )
    parent: Label | None = Field(None, description="The class that this expert refines; by default that of its name.")
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
        return self

    @model_validator(mode="after")
    def _files_agree(self) -> BundleManifest:
        for file_format, entry in self.files.items():
            suffix = Path(FILE_NAMES[file_format]).suffix
            if not entry.name.endswith(suffix):  # another suffix makes an engine read another, less safe format
                raise ValueError(f"the {file_format} file is called {entry.name[:40]!r}; its name must end in {suffix}")
        names = [MANIFEST, *(entry.name for entry in (*self.files.values(), *self.data))]
        if len(set(names)) < len(names):
            raise ValueError("two files have the same name")
        return self

    @model_serializer(mode="wrap")
    def _without_empty_data(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Most bundles have none, and earlier versions of Tidzam do not know the key."""
        values: dict[str, Any] = serialize(self)
        unused = {"data": not self.data, "parent": self.parent is None}
        return {key: value for key, value in values.items() if not unused.get(key)}

    @property
    def is_selector(self) -> bool:
        return self.name == SELECTOR

    @property
    def is_root(self) -> bool:
        """Whether it runs on every window, rather than only where its parent class is likely."""
        return self.is_selector

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
