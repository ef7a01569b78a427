"""Versions of installed models, kept beside them: what runs stays as it is, and can run again, if a model is rebuilt.

`NAME@VERSION` names such a version wherever installed models are named.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from tidzam.atomic import swap_in
from tidzam.bundle.read import read_manifest
from tidzam.errors import BundleError
from tidzam.paths import MODEL_VERSIONS
from tidzam.temporaries import temporary_folder


def model_name(name: str) -> str:
    """The name of an installed model without a version.

    >>> model_name("herons@0123456789ab")
    'herons'
    """
    return name.partition("@")[0]


def model_folder(models: Path, name: str) -> Path:
    """Where an installed model of the folder `models`, or a version of it that is kept, is or would be."""
    model, _, version = name.partition("@")
    return models.parent / MODEL_VERSIONS / version / model if version else models / model


def keep_version(models: Path, name: str) -> str:
    """Keep the present version of an installed model. Returns the name of that version.

    Its files are linked where the file system can do that: a version takes space from when the model is another.
    Raises BundleError if the model cannot be read, and OSError.
    """
    read_version = read_manifest(models / name).version
    kept = f"{name}@{read_version}"
    folder = model_folder(models, kept)
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder.parent) as temporary:
            shutil.copytree(models / name, temporary / name, copy_function=_link)
            if read_manifest(temporary / name).version != read_version:
                raise BundleError(f"The model {name} was replaced while it was copied.", hint="Try again.")
            swap_in(temporary / name, folder)
    return kept


def kept_versions(models: Path, names: Sequence[str], versions: Collection[str]) -> tuple[str, ...]:
    """The installed models `names`, each as a version that is kept and is one of `versions`; without a version if no
    such version is kept. Raises OSError."""
    return tuple(name if "@" in name else _kept(models, name, versions) for name in names)


def _kept(models: Path, name: str, versions: Collection[str]) -> str:
    with suppress(BundleError):  # it was removed, or cannot be used any more
        keep_version(models, name)
    known = (f"{name}@{version}" for version in versions)
    return next((one for one in known if model_folder(models, one).is_dir()), name)


def forget_versions(models: Path, kept: Collection[str]) -> None:
    """Delete all versions but `kept`. Raises OSError."""
    wanted = {model_folder(models, name) for name in kept}
    for folder in (models.parent / MODEL_VERSIONS).glob("[!.]*/[!.]*"):
        if folder not in wanted:
            shutil.rmtree(folder)
            with suppress(OSError):  # there is a model of the same version
                folder.parent.rmdir()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
