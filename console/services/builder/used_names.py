"""Which names a new model may not have: the analyzer loads what runs again as soon as its files change."""

from __future__ import annotations

from collections.abc import Iterator

from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import read_promotions
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.paths import models_folder
from tidzam.protocol.analyzer import AnalyzerHealth


def require_unused(settings: Settings, analysis: AnalyzerHealth | None, name: str) -> None:
    """Raises RequestError (`model_exists`) if a model of this name would run without a promotion.

    That is so if one runs live or as a shadow, or if one ran before the last promotions, to which a rollback leads.
    """
    if reason := why_used(settings, analysis, name):
        hint = "Choose another name, and promote the new model when it is built."
        raise RequestError(f"models: {name}: {reason}", hint=hint, code="model_exists", field="models")


def why_used(settings: Settings, analysis: AnalyzerHealth | None, name: str) -> str | None:
    """The reason, as a sentence; None if the name may be used."""
    home, shadow = settings.home, settings.analyzer.shadow
    bundle = models_folder(home) / name
    places = {bundle, bundle.parent}
    if any(places & set(one.folders(home)) for one in _live_choices(settings)):
        return "A model of this name runs live, or did so before a promotion."
    is_named = shadow is not None and places & set(CascadeChoice(shadow.nn, shadow.models).folders(home))
    reported = analysis.shadow if analysis else None
    if is_named or (reported is not None and name in reported.bundles):
        return "A model of this name runs as a shadow."
    return None


def _live_choices(settings: Settings) -> Iterator[CascadeChoice]:
    own = CascadeChoice(settings.analyzer.nn, settings.analyzer.models)
    yield own
    yield from (one.choice for one in read_promotions(settings.home, own).entries)
