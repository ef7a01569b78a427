"""Installing a model: its bundle is written, verified and run once before it takes its place; and removing it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tidzam.atomic import swap_in
from tidzam.bundle import Bundle, BundleManifest, NetworkFormat, installed_model, read_bundle, write_bundle
from tidzam.errors import BundleError
from tidzam.inference.trial import try_networks
from tidzam.temporaries import temporary_folder


def require_free_name(folder: Path, name: str, *, replace: bool) -> None:
    """Raises BundleError (`model_exists`) if `folder` holds a model of that name that must not be replaced."""
    if (folder / name).exists() and not replace:
        raise BundleError(
            f"A model called {name!r} is installed in {folder}.",
            hint="Choose another name with --name, or replace it with --replace.",
            code="model_exists",
        )


def install_model(
    folder: Path,
    manifest: BundleManifest,
    files: Mapping[NetworkFormat, Path],
    *,
    range_model: Path | None = None,
) -> Bundle:
    """Write the bundle of a model into `folder`, in place of an older one. It is verified, and each network is run once
    in a separate process, before that.

    Raises BundleError with the reason if it cannot be used, or cannot be written (`bundle_write`); SetupError if the
    library that runs it is not installed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder) as temporary:
            fresh = temporary / manifest.name
            write_bundle(fresh, manifest, files, range_model=range_model)
            try_networks([read_bundle(fresh)])
            swap_in(fresh, folder / manifest.name)
    except OSError as error:
        raise BundleError(
            f"The model cannot be written to {folder}: {error.strerror}.",
            hint="Check the permissions and the free space of the disk, or choose another place with --home.",
            code="bundle_write",
        ) from None
    return read_bundle(folder / manifest.name)


def remove_model(folder: Path, name: str) -> Path:
    """Delete an installed model. Returns its folder. Raises BundleError: `model_missing`, `bundle_write`."""
    path = installed_model(folder, name)
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise BundleError(
            f"{error.filename} cannot be removed: {error.strerror}.", hint="Check its permissions.", code="bundle_write"
        ) from None
    return path
