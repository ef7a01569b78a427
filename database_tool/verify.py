"""Verify that a dataset is what was written, byte for byte, and that its parts agree. Finds all faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tidzam.audio.file_types import is_system_file
from tidzam.dataset import DatasetManifest
from tidzam.dataset.arrays import (
    FEATURES,
    IS_LINK,
    LABELS,
    NAMES,
    level_fault,
    mismatch,
    open_own,
    os_reason,
    read_array,
    read_header,
)
from tidzam.dataset.manifest import CHECKSUM, MANIFEST, ORIGINS, SHARDS, read_manifest
from tidzam.dataset.origins import read_origins
from tidzam.dataset.reader import Int32, label_fault, parts_of
from tidzam.errors import DatasetError
from tidzam.manifest_fields import FileEntry, sha256_of
from tidzam.progress import Progress, no_progress


@dataclass(frozen=True)
class Damage:
    """A damaged file, and what is wrong with it."""

    path: Path
    reason: str


@dataclass(frozen=True)
class _Part:
    """A file of a dataset, with the kind and shape of its array according to the manifest, or to its name."""

    path: Path
    entry: FileEntry | None
    kind: str = ""
    shape: tuple[int, ...] = ()


def verify(folder: Path, *, advance: Progress = no_progress) -> list[Damage]:
    """Read all files of a dataset and return all faults. Raises DatasetError only if `folder` is not a dataset."""
    manifest, damages = _manifest(folder)
    parts = _parts(folder, manifest) if manifest else _parts_alone(folder)
    labels: list[Int32] = []
    for number, part in enumerate(parts, start=1):
        reasons = list(_faults(part, manifest, labels))
        if reasons:
            damages.append(Damage(part.path, "; ".join(reasons)))
        advance(number, len(parts))
    known = {part.path for part in parts} | {folder / MANIFEST, folder / CHECKSUM}
    damages += [damage for damage in _unexpected_files(folder) if damage.path not in known]
    if manifest and not damages:
        damages += _miscounted(folder, manifest, labels)
    return damages


def _manifest(folder: Path) -> tuple[DatasetManifest | None, list[Damage]]:
    """The manifest if it is valid, else its fault."""
    try:
        return read_manifest(folder)[0], []
    except DatasetError as error:
        if error.code != "dataset_missing":
            return None, [Damage(folder / MANIFEST, error.message)]
        if not os.path.lexists(folder / MANIFEST):
            raise
        at_fault = MANIFEST if _unreadable(folder / MANIFEST) else CHECKSUM
        return None, [Damage(folder / at_fault, error.message)]


def _unreadable(path: Path) -> str:
    try:
        open_own(path).close()
    except OSError as error:
        return os_reason(error)
    return ""


def _parts(folder: Path, manifest: DatasetManifest) -> list[_Part]:
    parts = [_Part(folder / ORIGINS, manifest.origins)]
    for shard in manifest.shards:
        parts += [_Part(folder / SHARDS / one.name, one, kind, shape) for one, kind, shape in parts_of(shard, manifest)]
    return parts


def _parts_alone(folder: Path) -> list[_Part]:
    """The existing files, without a valid manifest: each can still be checked on its own."""
    kinds = {".features.npy": FEATURES, ".labels.npy": LABELS}
    parts = [_Part(folder / ORIGINS, None)]
    for path in _files(folder / SHARDS):
        parts += [_Part(path, None, kind) for end, kind in kinds.items() if path.name.endswith(end)]
    return parts


def _faults(part: _Part, manifest: DatasetManifest | None, labels: list[Int32]) -> Iterator[str]:
    """The faults of a file. The labels of a shard are appended to `labels`."""
    if reason := _unreadable(part.path):
        yield reason
        return
    differs = _compare(part.path, part.entry) if part.entry else ""
    if differs:
        yield differs
    try:
        if part.path.name == ORIGINS:
            read_origins(part.path, manifest.samples if manifest else None)
        else:
            yield from _content_faults(part, manifest, labels)
    except DatasetError as error:
        reason = error.message.removeprefix(f"{part.path} cannot be used: ").rstrip(".")
        if " bytes" not in differs or " bytes" not in reason:  # the size is reported once
            yield reason


def _content_faults(part: _Part, manifest: DatasetManifest | None, labels: list[Int32]) -> Iterator[str]:
    """The faults of the values in an array. Raises DatasetError if it cannot be read."""
    shape = part.shape
    if manifest is None:
        with open_own(part.path) as file:
            header = read_header(part.path, file)
        if reason := mismatch(header, part.kind, header.shape):
            yield reason
            return
        shape = header.shape
        if len(shape) != (3 if part.kind == FEATURES else 1) or 0 in shape:
            yield f"its shape is {shape}: that is not an array of {NAMES[part.kind]} samples"
            return
    values = read_array(part.path, part.kind, shape)
    if part.kind == FEATURES:
        fault = level_fault(values)
    else:
        labels.append(values)
        fault = label_fault(values, len(manifest.classes)) if manifest else ""
    if fault:
        yield fault


def _compare(path: Path, entry: FileEntry) -> str:
    try:
        size = path.stat().st_size
        if size != entry.size_bytes:
            return f"it has {size:,} bytes, not {entry.size_bytes:,}"
        return "" if sha256_of(path) == entry.sha256 else "its checksum differs from the manifest's"
    except OSError as error:
        return f"it cannot be read: {os_reason(error)}"


def _unexpected_files(folder: Path) -> Iterator[Damage]:
    """Links, and all files that are not in the manifest, except those of operating systems."""
    if (folder / SHARDS).is_symlink():
        yield Damage(folder / SHARDS, IS_LINK)
    for path in _files(folder):
        yield Damage(path, "it is not in the manifest")


def _files(folder: Path) -> list[Path]:
    """All files in `folder` and its subfolders, sorted."""
    found = []
    for home, _, names in os.walk(folder):
        found += [Path(home, name) for name in names if not is_system_file(Path(name))]
    return sorted(found)


def _miscounted(folder: Path, manifest: DatasetManifest, labels: list[Int32]) -> list[Damage]:
    """Counts that disagree with the labels: a fault of the program that wrote them, which checksums cannot show."""
    joined = np.concatenate([np.empty(0, np.int32), *labels])
    counted = np.bincount(joined, minlength=len(manifest.classes)).tolist()
    stated = [manifest.counts[label] for label in manifest.classes]
    reason = f"it counts {stated} samples; the shards hold {counted}"
    return [] if counted == stated else [Damage(folder / MANIFEST, reason)]
