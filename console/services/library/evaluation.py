"""Evaluations of recognizers, as they are or at other thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.services.library.bundles import library_bundle
from console.services.library.models import EvaluationView
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.open_set_report import OpenSetReport, evaluated_at, read_report


def evaluation(settings: Settings, name: str, changed: Mapping[str, float]) -> EvaluationView:
    """The evaluation of a recognizer, at `changed` thresholds of some tags.

    Raises RequestError (`not_found`, `request`), and BundleError (`open_set_report`) if it cannot be computed.
    """
    report = require_report(settings, name)
    saved = {tag: one.threshold for tag, one in report.tags.items()}
    thresholds = {**saved, **checked(report.tags, changed)}
    test = report.test
    can_change = test is not None and test.tested is not None
    if thresholds != saved and can_change:
        test = evaluated_at(report, thresholds)
    return EvaluationView(
        version=report.version,
        window_s=report.window_s,
        thresholds=thresholds,
        are_saved=thresholds == saved,
        can_change=can_change,
        tags=report.tags,
        test=None if test is None else test.model_copy(update={"tested": None}),
    )


def require_report(settings: Settings, name: str) -> OpenSetReport:
    """The report of a recognizer. Raises RequestError (`not_found`) if the model has none."""
    report = read_report(library_bundle(settings, name).folder)
    if report is None:
        raise RequestError(
            f"The model {name} has no evaluation.", hint="Recognizers that Tidzam trained have one.", code="not_found"
        )
    return report


def checked(tags: Mapping[str, object], thresholds: Mapping[str, float]) -> dict[str, float]:
    """Thresholds, rounded as bundles hold them. Raises RequestError for a tag that the model does not have."""
    if unknown := [tag for tag in thresholds if tag not in tags]:
        hint = f"Expected {', '.join(list(tags)[:20])}."
        raise RequestError(f"The model has no class {unknown[0]!r}.", hint=hint, code="request", field="thresholds")
    return {tag: round(value, 6) for tag, value in thresholds.items()}


def parse_thresholds(texts: Sequence[str]) -> dict[str, float]:
    """Thresholds in the form `TAG:0.5`, as addresses have them. Raises RequestError."""
    found = {}
    for text in texts:
        tag, _, number = text.rpartition(":")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not tag or not 0 <= value <= 1:
            message = f"threshold: {text!r} is not possible, expected for example heron:0.5."
            raise RequestError(message, code="request", field="threshold")
        found[tag] = value
    return found
