"""Counts by filters, and verdicts per class, on both kinds of store; compared with counting in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.store import KINDS, new_store
from tests.support.stored_detections import fill
from tidzam.daytime import DayPart
from tidzam.store.database import Store, open_store
from tidzam.store.queries.classes import classes
from tidzam.store.queries.detections import DetectionCriteria, StoredDetection, latest_detections
from tidzam.store.queries.filtered_counts import filtered_counts_per_day, filtered_heat_map
from tidzam.store.queries.verdicts import verdicts_per_class
from tidzam.store.tables.detections import DetectionVerdict
from tidzam.store.verification import verify

NOW = datetime(2026, 5, 31, 18, 0, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Paris")
SINCE, UNTIL = datetime(2026, 5, 20, 22, 0, tzinfo=UTC), datetime(2026, 5, 26, 22, 0, tzinfo=UTC)
FILTERS = (
    DetectionCriteria(min_probability=0.8, max_probability=0.95),
    DetectionCriteria(since=SINCE, until=UNTIL, min_duration_s=3),
    DetectionCriteria(day_parts=[DayPart.NIGHT, DayPart.DUSK]),
    DetectionCriteria(verdicts=[DetectionVerdict.WRONG]),
    DetectionCriteria(verdicts=[None]),
)


@pytest.fixture(scope="module", params=KINDS)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with thousands of detections, of which each eighth is judged wrong and each eighth right."""
    with open_store(new_store(request.param, request.config), tmp_path_factory.mktemp("filled")) as store:
        fill(store, days=14, last=NOW, zone=ZONE)
        numbers = [one.id for one in wanted(store, DetectionCriteria())]
        with store.write() as session:
            verify(session, numbers[::8], DetectionVerdict.WRONG, user_id=None, now=NOW)
            verify(session, numbers[1::8], DetectionVerdict.RIGHT, user_id=None, now=NOW)
        yield store


def wanted(store: Store, criteria: DetectionCriteria) -> list[StoredDetection]:
    with store.read() as session:
        page = latest_detections(session, criteria, limit=10_000)
    assert page.next is None
    return list(page.detections)


def counted(store: Store, criteria: DetectionCriteria) -> list[StoredDetection]:
    found = wanted(store, criteria)
    return [one for one in found if one.verdict is not DetectionVerdict.WRONG or criteria.verdicts is not None]


@pytest.mark.parametrize("criteria", FILTERS, ids=range(len(FILTERS)))
def test_days_and_classes_are_counted(filled: Store, criteria: DetectionCriteria) -> None:
    with filled.read() as session:
        names = {one.id: one.path for one in classes(session)}
        found = {(one.day, names[one.class_id]): one.detections for one in filtered_counts_per_day(session, criteria)}
    assert found == Counter((one.start.astimezone(ZONE).date(), one.path) for one in counted(filled, criteria))


@pytest.mark.parametrize("criteria", FILTERS, ids=range(len(FILTERS)))
def test_hours_are_counted(filled: Store, criteria: DetectionCriteria) -> None:
    with filled.read() as session:
        found = {(one.day, one.hour): one.detections for one in filtered_heat_map(session, criteria)}
    local = (one.start.astimezone(ZONE) for one in counted(filled, criteria))
    assert found == Counter((start.date(), start.hour) for start in local)


def test_verdicts_are_counted_per_class(filled: Store) -> None:
    with filled.read() as session:
        names = {one.id: one.path for one in classes(session)}
        counts = verdicts_per_class(session, since=SINCE, until=UNTIL)
    found = {(names[number], verdict): count for number, of in counts.items() for verdict, count in of.items()}
    judged = wanted(filled, DetectionCriteria(since=SINCE, until=UNTIL, verdicts=list(DetectionVerdict)))
    assert found == Counter((one.path, one.verdict) for one in judged)


def test_a_period_without_detections_has_no_counts(filled: Store) -> None:
    criteria = DetectionCriteria(since=NOW + timedelta(days=1), min_probability=0.1)
    with filled.read() as session:
        assert filtered_counts_per_day(session, criteria) == []
