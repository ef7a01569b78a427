"""A dataset's manifest: read, checked, refused with a reason, written so that the same content gives the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tidzam.audio.features import FeatureSpec
from tidzam.errors import DatasetError
from tidzam.manifests import Features, FileEntry, Labels, faults_of

FORMAT_VERSION: Final = 1
MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"
ORIGINS = "origins.csv"
SHARDS = "shards"
NAME = r"^[A-Za-z0-9_.-]{1,128}$"


class Shard(BaseModel):
    """One pair of files in `shards/`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    samples: int = Field(ge=1)
    features: FileEntry
    labels: FileEntry


class Manifest(BaseModel):
    """What `manifest.json` holds. A label in a shard is an index into `classes`.

    The window of `features` is the length of a sample: a classifier of a shorter one is trained on crops.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    format_version: Literal[1] = FORMAT_VERSION
    name: str = Field(pattern=NAME)
    features: Features
    classes: tuple[str, ...] = Field(min_length=1, strict=False)
    labels: Labels
    counts: dict[str, int] = Field(description="Samples of each class.")
    origins: FileEntry
    shards: tuple[Shard, ...] = Field(strict=False)
    statistics: dict[str, Any] = Field(default_factory=dict, description="What `metadata` measured.")
    provenance: dict[str, Any] = Field(description="What was done to it, in order, and from what.")

    @model_validator(mode="after")
    def _parts_agree(self) -> Manifest:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes name one class twice")
        missing = [label for label in self.classes if label not in self.labels]
        if missing:
            raise ValueError(f"classes {missing} are not in the label tree")
        if set(self.counts) != set(self.classes):
            raise ValueError("counts and classes name different classes")
        if sum(self.counts.values()) != self.samples:
            raise ValueError("counts and shards differ in the number of samples")
        return self

    @property
    def samples(self) -> int:
        return sum(shard.samples for shard in self.shards)

    def to_text(self) -> str:
        """The one way in which this manifest is written."""
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Write `manifest.json` and its checksum into a folder that nobody reads yet. Returns the checksum."""
    raw = manifest.to_text().encode()
    checksum = hashlib.sha256(raw).hexdigest()
    (folder / MANIFEST).write_bytes(raw)
    (folder / CHECKSUM).write_text(f"{checksum}  {MANIFEST}\n", encoding="ascii")
    return checksum


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """A dataset's manifest and its checksum.

    Raises DatasetError: `dataset_missing`, `dataset_version`, `dataset_manifest`.
    """
    raw, stated = _read(folder / MANIFEST), _read(folder / CHECKSUM)
    checksum = hashlib.sha256(raw).hexdigest()
    values = _parse(folder, raw)
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise DatasetError(
            f"{folder} is a dataset of format {version!r}; this Tidzam reads format {FORMAT_VERSION}.",
            hint="Compile it again, or use the Tidzam that wrote it.",
            code="dataset_version",
        )
    if stated != f"{checksum}  {MANIFEST}\n".encode():
        raise DatasetError(
            f"{folder / MANIFEST} is not what was written: its checksum differs from {CHECKSUM}.",
            hint="Copy the dataset again, or compile it anew.",
            code="dataset_manifest",
        )
    try:
        return Manifest.model_validate(values), checksum
    except ValidationError as error:
        raise DatasetError(
            f"The manifest of dataset {folder} does not hold: {faults_of(error)}.", code="dataset_manifest"
        ) from None


def require_same_features(
    ours: FeatureSpec, theirs: FeatureSpec, *, names: tuple[str, str], but: Collection[str] = ()
) -> None:
    """Raises DatasetError (`dataset_features`), showing both, if the two differ in a field that is not in `but`."""
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
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror}.", hint="Name the dataset's folder.", code="dataset_missing"
        ) from None


def _parse(folder: Path, raw: bytes) -> dict[str, Any]:
    try:
        values = json.loads(raw)
    except ValueError as error:
        raise DatasetError(
            f"{folder / MANIFEST} is not JSON: {error}.", hint="Copy the dataset again.", code="dataset_manifest"
        ) from None
    if not isinstance(values, dict):
        raise DatasetError(f"{folder / MANIFEST} is not a JSON object.", code="dataset_manifest")
    return values
