"""Which bundles the library has: those installed in the home, and those of the folder that the node runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from console.services.library.models import ModelFacts
from tidzam.bundle import MANIFEST, BundleManifest, find_bundles, installed_model, installed_models, read_manifest
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import chosen_cascade
from tidzam.bundle.versions import model_name
from tidzam.config import Settings
from tidzam.errors import BundleError, RequestError
from tidzam.paths import DEMO_BUNDLES, models_folder
from tidzam.suggest import did_you_mean

SHOWN_CLASSES = 50


@dataclass(frozen=True)
class LibraryBundle:
    """A bundle of the library. `is_installed` is whether it can be chosen by name."""

    folder: Path
    is_installed: bool

    @property
    def name(self) -> str:
        return self.folder.name

    def manifest(self) -> BundleManifest:
        """What it states. Raises BundleError; its files are not verified."""
        try:
            status = (self.folder / MANIFEST).stat()
        except OSError:
            return read_manifest(self.folder)
        return _manifest(self.folder, status.st_mtime_ns, status.st_ino)


def library_bundles(settings: Settings) -> tuple[LibraryBundle, ...]:
    """All bundles by name: an installed one hides another of that name."""
    folder = models_folder(settings.home)
    found = {name: LibraryBundle(folder / name, True) for name in installed_models(folder)}
    for path in _of_folders(settings):
        found.setdefault(path.name, LibraryBundle(path, False))
    return tuple(found[name] for name in sorted(found))


def library_bundle(settings: Settings, name: str) -> LibraryBundle:
    """A bundle by its name. Raises RequestError (`not_found`)."""
    known = {bundle.name: bundle for bundle in library_bundles(settings)}
    if name not in known:
        hint = did_you_mean(name, list(known)) or "See the list of models."
        raise RequestError(f"There is no model called {name!r}.", hint=hint.strip(), code="not_found")
    return known[name]


def facts_of(manifest: BundleManifest) -> ModelFacts:
    """What a manifest says, for people."""
    provenance, test = manifest.provenance, manifest.accuracy.get("test")
    base = provenance.get("base")
    macro_f1 = test.get("macro_f1") if isinstance(test, Mapping) else None
    return ModelFacts(
        version=manifest.version,
        kind=str(provenance.get("kind", "classifier")),
        input="features" if manifest.waveform is None else "waveform",
        window_s=manifest.input.window_s,
        rate_hz=manifest.input.rate_hz,
        low_hz=manifest.input.fmin_hz,
        high_hz=manifest.input.fmax_hz,
        classes=manifest.classes[:SHOWN_CLASSES],
        class_count=len(manifest.classes),
        parent=None if manifest.is_root else manifest.place,
        formats=tuple(manifest.files),
        license=manifest.license and manifest.license.name,
        license_url=(manifest.license and manifest.license.url) or None,
        trained=_text(provenance.get("trained")),
        base=_text(base.get("name")) if isinstance(base, Mapping) else None,
        macro_f1=float(macro_f1) if isinstance(macro_f1, int | float) else None,
        size_bytes=sum(entry.size_bytes for entry in manifest.all_files),
    )


def live_choice(settings: Settings) -> CascadeChoice:
    """Which bundles the node runs after its next start, by its settings and what was promoted."""
    return chosen_cascade(settings.analyzer, settings.home)[0]


def in_place_of(settings: Settings, bundle: LibraryBundle) -> tuple[str, ...]:
    """The installed models that run live and have a class of another one: a class cannot be in two of them."""
    classes, found = frozenset(bundle.manifest().classes), []
    for name in live_choice(settings).models:
        try:
            folder = installed_model(models_folder(settings.home), name)
            is_other = model_name(name) != bundle.name
            if is_other and not classes.isdisjoint(LibraryBundle(folder, True).manifest().classes):
                found.append(model_name(name))
        except BundleError:  # the analyzer says so in its health
            continue
    return tuple(found)


def _of_folders(settings: Settings) -> list[Path]:
    """The bundles in folders that run by the settings or by a promotion."""
    analyzer = settings.analyzer
    choices = [CascadeChoice(analyzer.nn, analyzer.models), live_choice(settings)]
    folders = dict.fromkeys(one.nn or DEMO_BUNDLES for one in choices if one.nn is not None or not one.models)
    found = []
    for folder in folders:
        try:
            found += find_bundles(folder)
        except BundleError:  # the analyzer says so in its health
            continue
    return found


@lru_cache(maxsize=256)
def _manifest(folder: Path, changed_ns: int, inode: int) -> BundleManifest:
    """The manifest of a bundle, which is read again when its file is another."""
    return read_manifest(folder)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
