"""A dataset's manifest: reading and validation, and writing such that the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tidzam.audio.features import FeatureSpec
from tidzam.dataset.arrays import open_own
from tidzam.errors import DatasetError
from tidzam.labels import Label
from tidzam.manifest_fields import MAX_MANIFEST_BYTES, Features, FileEntry, Labels, faults_of, parse_object

FORMAT_VERSION: Final = 1
MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"
ORIGINS = "origins.csv"
SHARDS = "shards"
NAME = r"^[A-Za-z0-9_.-]{1,128}$"
MAX_SAMPLES: Final = 1 << 40

Count = Annotated[int, Field(ge=0, le=MAX_SAMPLES)]


class _Step(BaseModel):
    """One operation on a dataset, as shown to users."""

    model_config = ConfigDict(extra="allow")

    operation: str = Field(max_length=80)
    files_left_out: tuple[tuple[str, str], ...] = ()


class _Provenance(BaseModel):
    model_config = ConfigDict(extra="allow")

    steps: tuple[_Step, ...] = ()


class Shard(BaseModel):
    """One pair of files in `shards/`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    samples: int = Field(ge=1, le=MAX_SAMPLES)
    features: FileEntry
    labels: FileEntry


class DatasetManifest(BaseModel):
    """The content of `manifest.json`. A label in a shard is an index into `classes`.

    The window of `features` is the length of a sample: a classifier with a shorter window is trained on crops.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    format_version: Literal[1] = FORMAT_VERSION
    name: str = Field(pattern=NAME)
    features: Features
    classes: tuple[Label, ...] = Field(min_length=1, strict=False)
    labels: Labels
    counts: dict[Label, Count] = Field(description="Samples of each class.")
    origins: FileEntry
    shards: tuple[Shard, ...] = Field(strict=False)
    statistics: dict[str, Any] = Field(default_factory=dict, description="What `metadata` measured.")
    provenance: dict[str, Any] = Field(description="What was done to it, in order, and from what.")

    @field_validator("provenance")
    @classmethod
    def _validate_steps(cls, value: dict[str, Any]) -> dict[str, Any]:
        _Provenance.model_validate(value)
        return value

    @model_validator(mode="after")
    def _parts_agree(self) -> DatasetManifest:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("a class occurs twice in classes")
        missing = [label for label in self.classes if label not in self.labels]
        if missing:
            raise ValueError(f"classes {missing[:5]} are not in the label tree")
        if set(self.counts) != set(self.classes):
            raise ValueError("counts and classes name different classes")
        if sum(self.counts.values()) != self.samples:
            raise ValueError("counts and shards differ in the number of samples")
        names = Counter(entry.name for shard in self.shards for entry in (shard.features, shard.labels))
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(f"shards name the file {twice[0]} twice")
        if self.origins.name != ORIGINS:
            raise ValueError(f"origins are in {self.origins.name}, expected {ORIGINS}")
        return self

    @property
    def samples(self) -> int:
        return sum(shard.samples for shard in self.shards)

    def to_text(self) -> str:
        """The canonical text of this manifest."""
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


def write_manifest(folder: Path, manifest: DatasetManifest) -> str:
    """Write `manifest.json` and its checksum into a folder that is not in use yet. Returns the checksum."""
    raw = manifest.to_text().encode()
    checksum = hashlib.sha256(raw).hexdigest()
    (folder / MANIFEST).write_bytes(raw)
    (folder / CHECKSUM).write_text(f"{checksum}  {MANIFEST}\n", encoding="ascii")
    return checksum


def read_manifest(folder: Path) -> tuple[DatasetManifest, str]:
    """A dataset's manifest and its checksum.

    Raises DatasetError: `dataset_missing`, `dataset_version`, `dataset_manifest`.
    """
    raw, stated = _read(folder / MANIFEST), _read(folder / CHECKSUM)
    checksum = hashlib.sha256(raw).hexdigest()
    values = _parse(folder, raw)
    version = values.get("format_version")
    if version != FORMAT_VERSION or isinstance(version, bool):
        raise DatasetError(
            f"{folder} is a dataset of format {repr(version)[:40]}; this Tidzam reads format {FORMAT_VERSION}.",
            hint="Compile it again, or use the version of Tidzam that wrote it.",
            code="dataset_version",
        )
    if stated != f"{checksum}  {MANIFEST}\n".encode():
        raise DatasetError(
            f"{folder / MANIFEST} is damaged: its checksum differs from that in {CHECKSUM}.",
            hint="Copy the dataset again, or create it again.",
            code="dataset_manifest",
        )
    try:
        return DatasetManifest.model_validate(values), checksum
    except ValidationError as error:
        raise DatasetError(
            f"Invalid manifest of dataset {folder}: {faults_of(error)}.", code="dataset_manifest"
        ) from None


def require_same_features(
    ours: FeatureSpec, theirs: FeatureSpec, *, names: tuple[str, str], but: Collection[str] = ()
) -> None:
    """Raises DatasetError (`dataset_features`), which shows both, if they differ in a field that is not in `but`."""
    one, other = ours.to_dict(), theirs.to_dict()
    differing = [field for field in one if field not in but and one[field] != other[field]]
    if differing:
        shown = [", ".join(f"{field} {values[field]:g}" for field in differing) for values in (one, other)]
        raise DatasetError(
            f"The features differ: {names[0]} has {shown[0]}; {names[1]} has {shown[1]}.",
            hint="Compile one of them again, with the features of the other.",
            code="dataset_features",
        )


def _read(path: Path) -> bytes:
    try:
        with open_own(path) as file:
            return file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror}.", hint="Specify the dataset's folder.", code="dataset_missing"
        ) from None


def _parse(folder: Path, raw: bytes) -> dict[str, Any]:
    try:
        return parse_object(raw)
    except ValueError as error:
        raise DatasetError(
            f"{folder / MANIFEST} cannot be used: {str(error)[:200]}.",
            hint="Copy the dataset again.",
            code="dataset_manifest",
        ) from None
