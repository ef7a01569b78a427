"""The models whose embeddings recognizers can use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from console.services.builder.models import BaseView
from tidzam.bundle import installed_models, read_manifest
from tidzam.bundle.manifest import BundleManifest
from tidzam.errors import BundleError, RequestError
from tidzam.open_set_report import FILE
from tidzam.paths import DEMO_BUNDLES

_DEMO: Final = DEMO_BUNDLES / "selector"
_FORMATS: Final = frozenset({"onnx", "litert"})
"""The formats of networks whose embeddings can be computed."""


def bases(models: Path) -> tuple[BaseView, ...]:
    """The bases of recognizers: models in the folder `models` that are none themselves, BirdNET first, then the demo's
    selector."""
    installed = [_view(name, name, manifest) for name, manifest in _usable(models)]
    installed.sort(key=lambda one: (-one.classes, one.name))
    return (*installed, _view("", "the demo's selector", read_manifest(_DEMO)))


def require_base(models: Path, name: str) -> tuple[Path, BundleManifest]:
    """The folder and the manifest of a base, by its name in `bases`. Raises RequestError (`no_model`)."""
    if not name:
        return _DEMO, read_manifest(_DEMO)
    for known, manifest in _usable(models):
        if known == name:
            return models / name, manifest
    raise RequestError(
        f"base: no model called {name!r} can be the base of a recognizer.",
        hint="See /api/v1/recognizers/choices for those that can.",
        code="no_model",
        field="base",
    )


def is_recognizer(bundle: Path) -> bool:
    """Whether a bundle was built from annotations."""
    return (bundle / FILE).is_file()


def _usable(models: Path) -> Iterator[tuple[str, BundleManifest]]:
    for name in installed_models(models):
        if is_recognizer(models / name):
            continue
        try:
            manifest = read_manifest(models / name)
        except BundleError:
            continue
        if _FORMATS & set(manifest.files):
            yield name, manifest


def _view(name: str, title: str, manifest: BundleManifest) -> BaseView:
    return BaseView(name=name, title=title, window_s=manifest.input.window_s, classes=len(manifest.classes))
