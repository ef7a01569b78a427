"""The library: which models there are, where they run, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

from console.accounts.visitor import Visitor
from console.services.library.bundles import (
    LibraryBundle,
    facts_of,
    in_place_of,
    library_bundle,
    library_bundles,
    live_choice,
)
from console.services.library.models import Lineage, Measurement, ModelDetail, ModelView, Picture, ThresholdRevision
from tidzam.accounts.audit import AuditAction, record
from tidzam.bundle import BundleManifest
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.versions import model_name
from tidzam.config import Settings
from tidzam.errors import BundleError, RequestError
from tidzam.models.install import remove_model
from tidzam.open_set_report import OpenSetReport, read_report
from tidzam.paths import models_folder
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.store.database import Store

REVISIONS: Final = "revisions"
"""The key of changed thresholds in the provenance of a manifest."""
_MOST_THRESHOLDS: Final = 200
_MOST_CLASSES: Final = 200
_LONGEST_TEXT: Final = 200
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_MOST_FILES: Final = 500
_SHOWN_ELSEWHERE: Final = frozenset(
    {"kind", "trained", "base", "replaces", "days", "windows", "tags", "files", REVISIONS}
)


def list_models(settings: Settings, analysis: AnalyzerHealth | None) -> tuple[ModelView, ...]:
    """All models: those that run live first, then the shadow's, then the others, each by name."""
    views = [_view(settings, bundle, analysis) for bundle in library_bundles(settings)]
    return tuple(sorted(views, key=lambda one: (one.live_version is None, one.shadow_version is None, one.name)))


def find_model(settings: Settings, analysis: AnalyzerHealth | None, name: str) -> ModelDetail:
    """One model. Raises RequestError (`not_found`)."""
    bundle = library_bundle(settings, name)
    view = _view(settings, bundle, analysis)
    manifest = bundle.manifest() if view.facts is not None else None
    report = None if manifest is None else report_of(bundle)
    thresholds = {} if manifest is None or len(manifest.classes) > _MOST_THRESHOLDS else dict(manifest.thresholds)
    return ModelDetail(
        **view.model_dump(exclude={"facts"}),
        facts=view.facts,
        thresholds=thresholds,
        lineage=_lineage(manifest, report),
        has_evaluation=report is not None,
        stated={} if manifest is None else _stated(manifest),
        measured=() if manifest is None else _measured(manifest, with_test=report is None),
        pictures=() if report else tuple(one for one in Picture if (bundle.folder / one.value).is_file()),
    )


def picture_file(settings: Settings, name: str, picture: Picture) -> Path:
    """A picture in a bundle. Raises RequestError (`not_found`) if it has none, or one that is no PNG file inside."""
    path = library_bundle(settings, name).folder / picture.value
    try:
        if path.is_file() and not path.is_symlink() and path.open("rb").read(len(_PNG)) == _PNG:
            return path
    except OSError:
        pass
    raise RequestError(f"The model {name} has no picture {picture.value}.", code="not_found")


def report_of(bundle: LibraryBundle) -> OpenSetReport | None:
    """The evaluation in a bundle; None if there is none that can be read."""
    try:
        return read_report(bundle.folder)
    except BundleError:
        return None


def remove(
    settings: Settings, store: Store, visitor: Visitor, analysis: AnalyzerHealth | None, name: str, *, now: datetime
) -> None:
    """Delete an installed model that is not in use.

    Raises RequestError (`not_found`, `model_in_use`), and BundleError if it cannot be deleted.
    """
    bundle = library_bundle(settings, name)
    view = _view(settings, bundle, analysis)
    if reason := why_in_use(settings, view):
        raise RequestError(f"The model {name} cannot be removed: {reason}.", code="model_in_use")
    remove_model(models_folder(settings.home), name)
    version = view.facts.version if view.facts else "unknown"
    with store.write() as session:
        record(session, visitor.actor, AuditAction.MODEL_REMOVED, name, now=now, version=version)


def removable_from_live(settings: Settings) -> frozenset[str]:
    """The installed models that run live by their names, and can be left out of the cascade."""
    return frozenset(map(model_name, live_choice(settings).models))


def why_in_use(settings: Settings, view: ModelView) -> str | None:
    """Why a model cannot be removed, as a clause; None if it can."""
    analyzer, name = settings.analyzer, view.name
    if not view.is_installed:
        return "it is not in the folder of installed models"
    if view.live_version is not None or name in removable_from_live(settings):
        return "it runs live"
    if view.shadow_version is not None:
        return "it runs as a shadow"
    if name in analyzer.models or (analyzer.shadow is not None and name in analyzer.shadow.models):
        return "the settings of the analyzer name it"
    return None


def running_view(settings: Settings, analysis: AnalyzerHealth | None, name: str) -> ModelView:
    """Where a model runs. Raises RequestError (`not_found`)."""
    return _view(settings, library_bundle(settings, name), analysis)


def _view(settings: Settings, bundle: LibraryBundle, analysis: AnalyzerHealth | None) -> ModelView:
    """The analyzer reports bundles by the names in their manifests, which several of the library may share."""
    facts, fault, known = None, None, bundle.name
    try:
        facts, known = facts_of(bundle.manifest()), bundle.manifest().name
    except BundleError as error:
        fault = str(error)
    shadow = analysis.shadow if analysis else None
    live_version = analysis.bundles.get(known) if analysis else None
    shadow_version = shadow.bundles.get(known) if shadow else None
    version = None if facts is None else facts.version
    if live_version not in (None, version) and not _is_part(bundle, live_choice(settings), settings):
        live_version = None
    if shadow_version != version and known != bundle.name:
        shadow_version = None
    return ModelView(
        name=bundle.name,
        is_installed=bundle.is_installed,
        live_version=live_version,
        shadow_version=shadow_version,
        in_place_of=() if facts is None else in_place_of(settings, bundle),
        fault=fault,
        facts=facts,
    )


def _is_part(bundle: LibraryBundle, choice: CascadeChoice, settings: Settings) -> bool:
    """Whether a bundle is one of those that are chosen."""
    if bundle.is_installed and bundle.name in map(model_name, choice.models):
        return True
    return not {bundle.folder, bundle.folder.parent}.isdisjoint(choice.folders(settings.home))


def _lineage(manifest: BundleManifest | None, report: OpenSetReport | None) -> Lineage:
    """Where a model comes from. What a manifest states in another form is left out: anybody may have written it."""
    stated: Mapping[str, Any] = {} if manifest is None else manifest.provenance
    base = _mapping(stated.get("base"))
    files = {} if report is None else {use: names[:_MOST_FILES] for use, names in report.files.items()}
    return Lineage(
        base=_text(base.get("name")),
        base_version=_text(base.get("version")),
        replaces=_text(stated.get("replaces")),
        days={str(use): tuple(map(str, days)) for use, days in _mapping(stated.get("days")).items() if days},
        windows=_counts(stated.get("windows")),
        tags={str(use): _counts(tags) for use, tags in _mapping(stated.get("tags")).items()},
        files=files,
        origin="" if manifest is None else manifest.origin,
        revisions=tuple(reversed([_revision(one) for one in stated.get(REVISIONS, ()) if isinstance(one, Mapping)])),
    )


def _revision(stated: Mapping[str, Any]) -> ThresholdRevision:
    return ThresholdRevision(
        time=str(stated.get("time", "")),
        author=str(stated.get("author", "")),
        version=str(stated.get("version", "")),
        thresholds={
            str(name): float(value)
            for name, value in _mapping(stated.get("thresholds")).items()
            if isinstance(value, int | float)
        },
    )


def _stated(manifest: BundleManifest) -> dict[str, str]:
    """What a manifest states about the training, flat; without long texts."""
    found: dict[str, object] = {}
    for key, value in manifest.provenance.items():
        if key in _SHOWN_ELSEWHERE:
            continue
        if isinstance(value, Mapping):
            found |= {f"{key} {inner}": one for inner, one in value.items()}
        else:
            found[key] = value
    plain = {key: value for key, value in found.items() if isinstance(value, int | float | str)}
    texts = {key: f"{value:.4g}" if isinstance(value, float) else str(value) for key, value in plain.items()}
    return {key: text for key, text in texts.items() if text and len(text) <= _LONGEST_TEXT and "\n" not in text}


def _measured(manifest: BundleManifest, *, with_test: bool) -> tuple[Measurement, ...]:
    """Figures of accuracy; those of the test if they are not shown elsewhere."""
    return tuple(
        Measurement(
            name=name,
            data=str(found.get("data", "")),
            figures=_figures(found),
            classes={
                str(label): _figures(_mapping(one)) for label, one in list(_classes(found).items())[:_MOST_CLASSES]
            },
        )
        for name, found in manifest.accuracy.items()
        if isinstance(found, Mapping) and (with_test or name != "test")
    )


def _classes(found: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """The figures of each class; of the first ones, if there are too many."""
    return {
        str(label): _figures(_mapping(one))
        for label, one in list(_mapping(found.get("classes")).items())[:_MOST_CLASSES]
    }


def _figures(found: Mapping[str, Any]) -> dict[str, float]:
    return {str(key): float(one) for key, one in found.items() if isinstance(one, int | float) and isfinite(one)}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _counts(value: object) -> dict[str, int]:
    return {str(key): count for key, count in _mapping(value).items() if isinstance(count, int)}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
