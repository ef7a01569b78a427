"""The models that are installed in a node's home, and which bundles form a cascade."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tidzam.bundle.manifest import MANIFEST
from tidzam.bundle.read import find_bundles
from tidzam.bundle.versions import model_folder, model_name
from tidzam.errors import BundleError
from tidzam.manifest_fields import NAME_PATTERN
from tidzam.paths import DEMO_BUNDLES, MODEL_VERSIONS, models_folder
from tidzam.suggest import did_you_mean

_MODEL, _VERSION = re.compile(NAME_PATTERN), re.compile(r"[0-9a-f]{12}")


def installed_models(folder: Path) -> list[str]:
    """The names of the models that are installed in `folder`, in alphabetical order; none if there is no folder."""
    return sorted(path.parent.name for path in folder.glob(f"[!.]*/{MANIFEST}"))


def installed_model(folder: Path, name: str) -> Path:
    """The bundle of an installed model, or of a version of it that is kept, which is named NAME@VERSION.

    Raises BundleError (`model_missing`) if there is none.
    """
    if model_name(name) != name:
        return _kept_version(folder, name)
    known = installed_models(folder)
    if name not in known:
        listed = f"Installed are {', '.join(known)}." if known else "Install it with `tidzam models add` or `import`."
        raise BundleError(
            f"No model called {name!r} is installed in {folder}.",
            hint=f"{did_you_mean(name, known)}{listed}",
            code="model_missing",
        )
    return folder / name


def _kept_version(folder: Path, name: str) -> Path:
    path = model_folder(folder, name)
    model, _, version = name.partition("@")
    if not (_MODEL.fullmatch(model) and _VERSION.fullmatch(version) and (path / MANIFEST).is_file()):
        raise BundleError(
            f"No version {version!r} of a model {model!r} is kept in {folder.parent / MODEL_VERSIONS}.",
            hint="Use its present version.",
            code="model_missing",
        )
    return path


def named_bundle(models: Path, name: str) -> Path:
    """The bundle of a model that is installed in `models`, or else the folder at the path `name`.

    Raises BundleError (`model_missing`) if there is neither. A name with a `/` is a path.
    """
    if "/" in name:
        return Path(name)
    try:
        return installed_model(models, name)
    except BundleError:
        if Path(name).is_dir():
            return Path(name)
        raise


def novelty_folders(names: Sequence[str], *, home: Path | None = None) -> list[Path]:
    """The novelty bundles with these names: installed models, or folders (`named_bundle`)."""
    return [named_bundle(models_folder(home), name) for name in names]


def cascade_folders(nn: Path | None, models: Sequence[str] = (), *, home: Path | None = None) -> list[Path]:
    """The bundles of a cascade: those in the folder `nn`, and the installed `models`; those of the demo without either.

    `home` is the node's home, by default as `models_folder` says. Raises BundleError: `bundle_missing`,
    `model_missing`.
    """
    found = find_bundles(nn or DEMO_BUNDLES) if nn is not None or not models else []
    return [*found, *(installed_model(models_folder(home), name) for name in models)]
