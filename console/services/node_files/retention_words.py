"""What deletes files and rows, in words. Pure."""

from __future__ import annotations

from tidzam.config.clips import ClipBudget
from tidzam.config.recording import KeepSettings
from tidzam.config.retention import StoreRetentionSettings


def record_words(keep: KeepSettings) -> str:
    """What deletes the recordings of a source."""
    rules = [
        None if keep.days is None else f"after {keep.days:g} days",
        None if keep.max_gb is None else f"above {keep.max_gb:g} GB",
        None if keep.min_free_gb is None else f"while less than {keep.min_free_gb:g} GB are free",
    ]
    return _deleted("the oldest", rules)


def clip_words(budget: ClipBudget) -> str:
    """What deletes clips."""
    rules = [
        None if budget.days is None else f"after {budget.days:g} days",
        None if budget.gigabytes is None else f"above {budget.gigabytes:g} GB",
        None if budget.free_gigabytes is None else f"while less than {budget.free_gigabytes:g} GB are free",
        None if budget.per_class is None else f"above {budget.per_class} of a class",
    ]
    return _deleted("those that nobody marked", rules)


def row_words(retention: StoreRetentionSettings) -> str:
    """What removes rows from the store."""
    rules = [
        None if retention.detections_days is None else f"detections after {retention.detections_days:g} days",
        None if retention.detections_max is None else f"the oldest detections above {retention.detections_max:,}",
        None if retention.max_gb is None else f"those above {retention.max_gb:g} GB",
        None if retention.min_free_gb is None else f"those while less than {retention.min_free_gb:g} GB are free",
        None if retention.gaps_days is None else f"gaps after {retention.gaps_days:g} days",
        None if retention.jobs_days is None else f"jobs after {retention.jobs_days:g} days",
        None if retention.audit_days is None else f"the audit log after {retention.audit_days:g} days",
    ]
    return _deleted("", rules)


def _deleted(what: str, rules: list[str | None]) -> str:
    given = [rule for rule in rules if rule is not None]
    if not given:
        return "kept"
    return f"{what} deleted {' or '.join(given)}".strip() if what else f"removed: {', '.join(given)}"
