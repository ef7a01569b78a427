"""Whether a dataset is, byte for byte, what was written, and whether its parts agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from database_tool.advance import Advance, silent
from tidzam.dataset import Dataset
from tidzam.dataset.manifest import CHECKSUM, MANIFEST, ORIGINS, SHARDS, read_manifest
from tidzam.dataset.origins import read_origins
from tidzam.errors import DatasetError
from tidzam.manifests import FileEntry, sha256_of


@dataclass(frozen=True)
class Damage:
    """A file that is not as it should be."""

    path: Path
    reason: str


def verify(folder: Path, *, advance: Advance = silent) -> list[Damage]:
    """Read every byte of a dataset and say what is wrong. Raises DatasetError only if there is no dataset."""
    try:
        manifest, checksum = read_manifest(folder)
    except DatasetError as error:
        if error.code == "dataset_missing" and not (folder / MANIFEST).exists():
            raise
        return [Damage(folder / (CHECKSUM if error.code == "dataset_missing" else MANIFEST), error.message)]
    entries = [(folder / ORIGINS, manifest.origins)]
    for shard in manifest.shards:
        entries += [(folder / SHARDS / entry.name, entry) for entry in (shard.features, shard.labels)]
    damages = []
    for number, (path, entry) in enumerate(entries, start=1):
        reason = _compare(path, entry)
        if reason:
            damages.append(Damage(path, reason))
        advance(number, len(entries))
    known = {path for path, _ in entries} | {folder / MANIFEST, folder / CHECKSUM}
    damages += [Damage(path, "it is not in the manifest") for path in _files(folder) if path not in known]
    return damages or _contradictions(Dataset(folder, manifest, checksum))


def _compare(path: Path, entry: FileEntry) -> str:
    if not path.is_file():
        return "it is missing"
    if path.stat().st_size != entry.size_bytes:
        return f"it has {path.stat().st_size:,} bytes, not {entry.size_bytes:,}"
    try:
        return "" if sha256_of(path) == entry.sha256 else "its checksum differs from the manifest's"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _contradictions(dataset: Dataset) -> list[Damage]:
    """What checksums cannot tell: files that are as written, by a program that was wrong."""
    manifest = dataset.folder / MANIFEST
    try:
        counted = np.bincount(dataset.labels, minlength=len(dataset.classes)).tolist()
        read_origins(dataset.folder / ORIGINS, len(dataset))
        for chunk in dataset.chunks():
            if not np.isfinite(chunk.features).all():
                return [Damage(dataset.folder / SHARDS, f"samples from {chunk.start:,} on hold no numbers")]
    except DatasetError as error:
        return [Damage(dataset.folder, error.message)]
    stated = [dataset.manifest.counts[label] for label in dataset.classes]
    return [] if counted == stated else [Damage(manifest, f"it counts {stated} samples; the shards hold {counted}")]
