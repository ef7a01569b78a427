"""Which detections people are notified of: a pure function of the rules, and of what was notified before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from analyzer.sinks.selection import covers
from tidzam.config.notification_sink import NotificationRule
from tidzam.results import Detection, DetectionChange

_HOUR: Final = timedelta(hours=1)
_DETECTIONS: Final = 1000
"""Detections that are remembered as notified: more than last at the same time."""


class NotificationMemory(BaseModel):
    """What was notified: when by which rule and class, when at all in the last hour, and which detections last."""

    model_config = ConfigDict(frozen=True)

    last: dict[str, datetime] = {}
    recent: tuple[datetime, ...] = ()
    detections: tuple[str, ...] = ()


def decide(
    change: DetectionChange,
    rules: Sequence[NotificationRule],
    memory: NotificationMemory,
    *,
    zone: ZoneInfo,
    per_hour: int,
) -> NotificationMemory | None:
    """The memory after people were notified of a detection, or None if they are not to be.

    Times are those of the detections, so that a replayed recording is judged by its own. A detection that no rule
    permits at first may be notified later, when its probability has risen: those of several channels come in any order.
    """
    found = change.detection
    recent = tuple(time for time in memory.recent if abs(found.start - time) < _HOUR)
    if found.id in memory.detections or len(recent) >= per_hour:
        return None
    for number, rule in enumerate(rules):
        key = f"{number} {found.label}"
        if covers(rule, change) and _is_due(rule, found, memory.last.get(key), zone):
            return NotificationMemory(
                last={**memory.last, key: found.start},
                recent=(*recent, found.start),
                detections=(*memory.detections, found.id)[-_DETECTIONS:],
            )
    return None


def _is_due(rule: NotificationRule, found: Detection, last: datetime | None, zone: ZoneInfo) -> bool:
    if last is None:
        return True
    if rule.first_of_day and found.start.astimezone(zone).date() == last.astimezone(zone).date():
        return False
    return not abs(found.start - last) < timedelta(seconds=rule.interval_s)


def notification(found: Detection, *, node: str, zone: ZoneInfo) -> tuple[str, str]:
    """The title and the text of a notification."""
    start = found.start.astimezone(zone)
    channels = ", ".join(found.channel_names)
    title = f"{found.label} ({node})"
    return title, f"{start:%Y-%m-%d %H:%M:%S %Z}: {found.label} on {channels}, probability {found.peak_probability:.2f}"
