"""Which names a new model may not have: what the analyzer runs by its mere name is loaded again when it changes."""

from __future__ import annotations

from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import read_promotions
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.paths import models_folder


def require_unused(settings: Settings, name: str) -> None:
    """Raises RequestError (`model_exists`) if a model of this name would run without a promotion."""
    if reason := why_used(settings, name):
        hint = "Choose another name, and promote the new model when it is built."
        raise RequestError(f"models: {name}: {reason}", hint=hint, code="model_exists", field="models")


def why_used(settings: Settings, name: str) -> str | None:
    """The reason, as a sentence; None if the name may be used.

    A model that was promoted runs in the version that was, so that its name may be used.
    """
    bundle = models_folder(settings.home) / name
    own = CascadeChoice(settings.analyzer.nn, settings.analyzer.models)
    ran = (one.choice for one in read_promotions(settings.home, own).entries)
    if any({bundle, bundle.parent} & set(one.folders(settings.home)) for one in ran):
        return "The settings of the analyzer name a model of this name, which runs live as soon as it is built."
    return None
