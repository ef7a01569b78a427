"""Common parts of the manifests of bundles and datasets: fields, checksums, and descriptions of faults."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from tidzam.audio.features import FeatureSpec
from tidzam.errors import AudioError, BundleError
from tidzam.labels import LabelTree
from tidzam.validation import reason

NAME_PATTERN = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$"
"""The names of bundles. None begins with a dot: `.` and `..` are folders, and others are hidden."""

MAX_MANIFEST_BYTES: Final = 32 * 2**20
MAX_NESTING: Final = 40
"""Levels of objects and lists in a manifest; Tidzam writes six. Deeper ones exhaust the stack of recursive code."""

_MOST_FAULTS: Final = 5
_LONGEST_PLACE: Final = 80
_LONGEST_REASON: Final = 400


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
    if not isinstance(value, Mapping):
        raise ValueError("it is not an object that maps each label to its parent")
    for label, parent in value.items():
        if not isinstance(label, str) or not (parent is None or isinstance(parent, str)):
            raise ValueError(f"label {str(label)[:40]!r} has a parent that is neither a label nor null")
    try:
        return LabelTree(dict(value))
    except BundleError as error:
        raise ValueError(str(error)) from error


Features = Annotated[FeatureSpec, BeforeValidator(_features), PlainSerializer(FeatureSpec.to_dict)]
Labels = Annotated[LabelTree, BeforeValidator(_labels), PlainSerializer(lambda tree: dict(tree.parents))]


class FileEntry(BaseModel):
    """A file beside the manifest, and its checksum."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


def entry_of(path: Path) -> FileEntry:
    """The entry of a file as it is now."""
    return FileEntry(name=path.name, sha256=sha256_of(path), size_bytes=path.stat().st_size)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_object(path: Path, *, max_bytes: int = MAX_MANIFEST_BYTES) -> dict[str, Any]:
    """Read the JSON object in a file that is not trusted.

    Raises OSError if it cannot be read; ValueError, with a readable clause, if it is not a regular file, is larger than
    `max_bytes`, is not a JSON object, is nested deeper than MAX_NESTING levels, or has a key twice.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a regular file")
    with path.open("rb") as file:
        return parse_object(file.read(max_bytes + 1), max_bytes=max_bytes)


def parse_object(content: bytes, *, max_bytes: int = MAX_MANIFEST_BYTES) -> dict[str, Any]:
    """Parse `content` as a JSON object. Raises ValueError as `read_object` does."""
    if len(content) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes / 2**20:g} MB")
    try:
        values = json.loads(content.decode(), object_pairs_hook=_object)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {MAX_NESTING} levels") from None
    _check_nesting(values)
    if not isinstance(values, dict):
        raise ValueError("it is not a JSON object")
    return values


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different. JSON parsers disagree on which of two equal keys counts."""
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:40]!r} occurs twice in one object")
    return values


def _check_nesting(values: Any) -> None:
    """Check level by level: recursion could exhaust the stack."""
    level = [values]
    for _ in range(MAX_NESTING + 1):
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {MAX_NESTING} levels")


def faults_of(error: ValidationError) -> str:
    """The first faults of a manifest, each with its place, in one line that is safe for a terminal."""
    faults = error.errors()
    described = [f"{_place(fault['loc'])}: {_short(reason(fault))}" for fault in faults[:_MOST_FAULTS]]
    more = [f"and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
    return "; ".join(described + more)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


def _place(location: tuple[int | str, ...]) -> str:
    """The location of a fault. Keys come from the file: they are truncated, and control characters escaped."""
    place = ".".join(map(str, location)) or "manifest"
    shown = place if place.isprintable() else repr(place)[1:-1]
    return shown if len(shown) <= _LONGEST_PLACE else f"{shown[:_LONGEST_PLACE]}…"
