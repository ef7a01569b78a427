"""Writing bundles: whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tidzam.atomic import swap_in
from tidzam.bundle.manifest import FILE_NAMES, MANIFEST, RANGE_MODEL, Bundle, BundleManifest, NetworkFormat
from tidzam.bundle.novelty import FOREST
from tidzam.manifest_fields import FileEntry, entry_of
from tidzam.temporaries import temporary_folder


def write_bundle(
    folder: Path,
    manifest: BundleManifest,
    files: Mapping[NetworkFormat, Path],
    *,
    range_model: Path | None = None,
    forest: Path | None = None,
    write_extras: Callable[[Path, BundleManifest], object] = lambda folder, manifest: None,
) -> Bundle:
    """Write a bundle whole or not at all; an older one at `folder` is replaced.

    `files`, `range_model` and `forest`, the isolation forest of a novelty bundle, are copied in and their checksums
    recorded; `manifest.files` is ignored, and the entries of the others are kept unless there are new files.
    `write_extras` may add files for people, such as a model card, to the new folder before it is put in place; it
    receives the complete manifest.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder.parent) as temporary:
        fresh = temporary / folder.name
        fresh.mkdir()
        entries = {engine: _add_file(source, fresh / FILE_NAMES[engine]) for engine, source in files.items()}
        changes: dict[str, Any] = {"files": entries}
        if range_model is not None:
            changes["range_model"] = _add_file(range_model, fresh / RANGE_MODEL)
        if forest is not None and manifest.novelty is not None:
            changes["novelty"] = manifest.novelty.model_copy(update={"forest": _add_file(forest, fresh / FOREST)})
        complete = manifest.model_copy(update=changes)
        text = json.dumps(complete.model_dump(mode="json"), indent=2, sort_keys=True)
        (fresh / MANIFEST).write_text(text + "\n", encoding="utf-8")
        write_extras(fresh, complete)
        swap_in(fresh, folder)
    return Bundle(folder, complete)


def rewrite_manifest(
    bundle: Bundle,
    *,
    write_extras: Callable[[Path, BundleManifest], object] = lambda folder, manifest: None,
    **changes: Any,
) -> Bundle:
    """The same bundle in the same place, `changes` made to fields of its manifest. Its other files stay with it, unless
    `write_extras` replaces them in the new folder."""
    known = {MANIFEST, *(entry.name for entry in bundle.manifest.files.values())}

    def copy_extras(folder: Path, complete: BundleManifest) -> None:
        for paper in bundle.folder.iterdir():
            if paper.name not in known:
                shutil.copyfile(paper, folder / paper.name)
        write_extras(folder, complete)

    manifest = bundle.manifest.model_copy(update=changes)
    files = {engine: bundle.file(engine) for engine in bundle.manifest.files}
    return write_bundle(bundle.folder, manifest, files, write_extras=copy_extras)


def _add_file(source: Path, target: Path) -> FileEntry:
    shutil.copyfile(source, target)
    return entry_of(target)
