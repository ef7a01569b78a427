"""What the manifests of bundles and datasets share: their fields, checksums, and how their faults are told."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from tidzam.audio.features import FeatureSpec
from tidzam.errors import AudioError, BundleError
from tidzam.labels import LabelTree


def _features(value: Any) -> FeatureSpec:
    if isinstance(value, FeatureSpec):
        return value
    try:
        return FeatureSpec.from_dict(value)
    except (AudioError, TypeError) as error:
        raise ValueError(str(error)) from error


def _labels(value: Any) -> LabelTree:
    if isinstance(value, LabelTree):
        return value
    try:
        return LabelTree(dict(value))
    except (BundleError, TypeError, ValueError) as error:
        raise ValueError(str(error)) from error


Features = Annotated[FeatureSpec, BeforeValidator(_features), PlainSerializer(FeatureSpec.to_dict)]
Labels = Annotated[LabelTree, BeforeValidator(_labels), PlainSerializer(lambda tree: dict(tree.parents))]


class FileEntry(BaseModel):
    """A file beside the manifest, and what it must hash to."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


def entry_of(path: Path) -> FileEntry:
    """The entry of a file as it is now."""
    return FileEntry(name=path.name, sha256=sha256_of(path), size_bytes=path.stat().st_size)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def faults_of(error: ValidationError) -> str:
    """Every fault of a manifest, each with its place, in one line."""
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'manifest'}: {e['msg']}" for e in error.errors())
