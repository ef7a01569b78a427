"""Changing the thresholds of a model, which is a new version of its bundle."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from console.accounts.visitor import Visitor
from console.services.library.bundles import library_bundle
from console.services.library.evaluation import checked
from console.services.library.library import REVISIONS, removable_from_live
from tidzam.accounts.audit import AuditAction, record
from tidzam.bundle import Bundle, BundleManifest, read_bundle, read_manifest, rewrite_manifest
from tidzam.bundle.versions import keep_version
from tidzam.config import Settings
from tidzam.errors import BundleError, RequestError
from tidzam.open_set_report import FILE, ReportedTest, evaluated_at, read_report
from tidzam.paths import models_folder
from tidzam.store.database import Store

CARD: Final = "card.md"
_NOTE: Final = "Thresholds were changed"
_MOST_REVISIONS: Final = 50
_TURN: Final = threading.Lock()
"""Two people must not change one bundle at the same time."""


def change_thresholds(
    settings: Settings,
    store: Store,
    visitor: Visitor,
    name: str,
    changed: Mapping[str, float],
    *,
    version: str,
    now: datetime,
) -> str:
    """Save thresholds of some classes of an installed model. Returns its new version, or the old one without a change.

    `version` is the one that the visitor has seen. Raises RequestError (`not_found`, `conflict`, `request`), and
    BundleError if the bundle is damaged or cannot be written.
    """
    found = library_bundle(settings, name)
    if not found.is_installed:
        message = f"The thresholds of {name} cannot be changed: it is not in the folder of installed models."
        raise RequestError(message, hint="Install a copy of it.", code="request")
    with _TURN:
        bundle = read_bundle(found.folder)
        _require_version(bundle.manifest, version)
        before = bundle.manifest.thresholds
        new = {tag: value for tag, value in checked(before, changed).items() if value != before[tag]}
        if not new:
            return version
        _keep_if_live(settings, name)
        fresh = _rewritten(bundle, new, author=visitor.name, now=now)
    detail = {tag: f"{before[tag]:g} → {value:g}" for tag, value in new.items()}
    with store.write() as session:
        record(
            session,
            visitor.actor,
            AuditAction.MODEL_THRESHOLDS,
            name,
            now=now,
            old_version=version,
            new_version=fresh,
            **{f"threshold {tag}": text for tag, text in detail.items()},
        )
    return fresh


def _keep_if_live(settings: Settings, name: str) -> None:
    """Keep the version of a live model that is about to be replaced, so that it can run again."""
    if name in removable_from_live(settings):
        try:
            keep_version(models_folder(settings.home), name)
        except OSError as error:
            raise _unwritable(models_folder(settings.home) / name, error) from None


def _unwritable(folder: Path, error: OSError) -> BundleError:
    message = f"The bundle {folder} cannot be written: {error.strerror or error}."
    return BundleError(message, hint="Check its permissions and the free space.", code="bundle_write")


def _require_version(manifest: BundleManifest, version: str) -> None:
    if manifest.version != version:
        raise RequestError(
            f"The model has changed: it has version {manifest.version}, not {version}.",
            hint="Load the page again, and repeat the change.",
            code="conflict",
            field="version",
        )


def _rewritten(bundle: Bundle, new: Mapping[str, float], *, author: str, now: datetime) -> str:
    """Write the bundle with other thresholds and the evaluation that belongs to them. Returns its new version."""
    manifest = bundle.manifest
    thresholds = {**manifest.thresholds, **new}
    report = read_report(bundle.folder)
    test = evaluated_at(report, thresholds) if report and report.test and report.test.tested else None
    revision = {
        "time": now.isoformat(timespec="seconds"),
        "author": author,
        "version": manifest.version,
        "thresholds": {tag: manifest.thresholds[tag] for tag in new},
    }
    revisions = [*manifest.provenance.get(REVISIONS, ()), revision][-_MOST_REVISIONS:]
    accuracy = dict(manifest.accuracy)
    if test is not None:
        accuracy["test"] = {**accuracy.get("test", {}), **_stated(test)}
    try:
        rewrite_manifest(
            bundle,
            write_extras=_extras(test, thresholds, before=manifest.version, now=now),
            thresholds=thresholds,
            provenance={**manifest.provenance, REVISIONS: revisions},
            accuracy=accuracy,
        )
    except OSError as error:
        raise _unwritable(bundle.folder, error) from None
    return read_manifest(bundle.folder).version


def _extras(
    test: ReportedTest | None, thresholds: Mapping[str, float], *, before: str, now: datetime
) -> Callable[[Path, BundleManifest], None]:
    """Writes the report and the note on the card into the new folder, which has the old ones."""

    def write(folder: Path, _: BundleManifest) -> None:
        if (folder / FILE).is_file():
            values = json.loads((folder / FILE).read_bytes())
            values["version"] = read_manifest(folder).version
            for tag, one in values["tags"].items():
                one["threshold"] = thresholds[tag]
            if test is not None:
                cells = [cell.model_dump(mode="json") for cell in test.cells]
                values["test"] = {**values["test"], **_stated(test), "cells": cells}
            (folder / FILE).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        if (folder / CARD).is_file():
            text = (folder / CARD).read_text(encoding="utf-8")
            (folder / CARD).write_text(_with_note(text, before, now), encoding="utf-8")

    return write


def _stated(test: ReportedTest) -> dict[str, Any]:
    """What a manifest and a report state of an evaluation, without curves and windows."""
    return test.model_dump(mode="json", exclude={"precision_recall", "roc", "known_roc", "cells", "tested"})


def _with_note(card: str, before: str, now: datetime) -> str:
    """The card of a recognizer, which says that its figures are older than its thresholds."""
    if _NOTE in card:
        return re.sub(rf"{_NOTE} on \d{{4}}-\d\d-\d\d", f"{_NOTE} on {now:%Y-%m-%d}", card)
    heading, _, rest = card.partition("\n")
    note = f"{_NOTE} on {now:%Y-%m-%d}. The figures and pictures below are those of version {before}."
    return f"{heading}\n\n{note}\n{rest}"
