"""The base of an index, the bundle whose embeddings are compared, and the folder of the index."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tidzam.bundle import SELECTOR, Bundle, find_bundles, installed_models, read_bundle
from tidzam.config import Settings
from tidzam.errors import BundleError
from tidzam.paths import DEMO_BUNDLES, cache_folder, models_folder
from tidzam.sound_index.index import SoundIndex
from tidzam.suggest import did_you_mean

FOLDER: Final = "search"
_PREFERRED: Final = "birdnet"


def choose_base(settings: Settings, home: Path | None = None) -> Bundle:
    """The bundle of `base_folder`. Raises BundleError (`model_missing`), and those of `read_bundle`."""
    return read_bundle(base_folder(settings, home))


def base_folder(settings: Settings, home: Path | None = None) -> Path:
    """The folder of the bundle `search.base`; by default that of BirdNET if it is installed, else of the selector.

    Raises BundleError (`model_missing`) if no model has that name.
    """
    folders = {path.name: path for path in find_bundles(settings.analyzer.nn or DEMO_BUNDLES)}
    folders |= {name: models_folder(home) / name for name in installed_models(models_folder(home))}
    wanted = settings.search.base
    if wanted is None:
        wanted = next((name for name in (_PREFERRED, SELECTOR) if name in folders), min(folders, default=_PREFERRED))
    if wanted not in folders:
        hint = f"{did_you_mean(wanted, sorted(folders))}Set search.base to one of {', '.join(sorted(folders))}."
        raise BundleError(f"There is no model called {wanted!r}.", hint=hint, code="model_missing")
    return folders[wanted]


def index_folder(home: Path | None, base: str) -> Path:
    """The folder of the index of a base."""
    return cache_folder(home) / FOLDER / base


def indexes(home: Path | None) -> list[SoundIndex]:
    """All indexes in a home that can be read, by the names of their bases."""
    found = (SoundIndex.open(path) for path in sorted((cache_folder(home) / FOLDER).glob("[!.]*")) if path.is_dir())
    return [one for one in found if one is not None]
