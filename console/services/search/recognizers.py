"""The installed recognizers that the index can be judged by."""

from __future__ import annotations

from tidzam.bundle import BundleManifest, installed_models, read_manifest
from tidzam.config import Settings
from tidzam.errors import BundleError
from tidzam.paths import models_folder


def recognizers_on(settings: Settings, base: BundleManifest) -> list[str]:
    """The names of the recognizers that were trained on the embeddings of this version of a base."""
    folder = models_folder(settings.home)
    found = []
    for name in installed_models(folder):
        try:
            trained_on = read_manifest(folder / name).provenance.get("base", {})
        except BundleError:
            continue
        if isinstance(trained_on, dict) and trained_on.get("version") == base.version:
            found.append(name)
    return found
