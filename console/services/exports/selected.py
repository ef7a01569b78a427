"""The detections of a file, read page by page, so that years of them need no memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from console.services.detection_models import DetectionSearch
from console.services.detections import criteria_of
from console.services.known_classes import KnownClasses
from tidzam.store.database import Store
from tidzam.store.queries.cursor import TimeCursor
from tidzam.store.queries.detections import StoredDetection, latest_detections
from tidzam.store.queries.verdicts import other_classes
from tidzam.store.tables.detections import DetectionVerdict

_BATCH: Final = 1000

Batch = Sequence[tuple[StoredDetection, tuple[str, ...] | None]]
"""Detections, each with the class that was heard instead, if a verdict names it."""


def selected(store: Store, wanted: DetectionSearch, zone: ZoneInfo, known: KnownClasses) -> Iterator[Batch]:
    """All detections that are wanted, newest first; the database is free in between."""
    before: TimeCursor | None = None
    while True:
        with store.read() as session:
            page = latest_detections(session, criteria_of(session, wanted, zone, known), limit=_BATCH, before=before)
            judged = [one.id for one in page.detections if one.verdict is DetectionVerdict.OTHER_CLASS]
            others = other_classes(session, judged) if judged else {}
        yield [(one, others.get(one.id)) for one in page.detections]
        before = page.next
        if before is None:
            return
