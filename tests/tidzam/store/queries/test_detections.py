"""Detections by filters, page by page, as a plain search through all of them finds them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.daytime import DayPart
from tidzam.store.database import Store
from tidzam.store.queries import detections as queries
from tidzam.store.queries.classes import channels, classes_below
from tidzam.store.queries.cursor import TimeCursor
from tidzam.store.queries.detections import (
    DetectionCriteria,
    StoredDetection,
    detection_of_event,
    detections_by_id,
    latest_detections,
)
from tidzam.store.tables.detections import DetectionVerdict
from tidzam.store.verification import mark, verify
from tidzam.store.writer import StoreWriter

PATHS = (("birds", "wren"), ("birds", "owl"), ("frogs",))


def fill(store: Store, count: int = 60) -> None:
    """Detections of three classes on four channels of two sources; some begin at the same time."""
    rng = random.Random(1)
    records = []
    for number in range(count):
        start = NOON + timedelta(minutes=number // 2)
        source = ("pond", "lake")[number % 2]
        records.append(
            detection(
                number,
                id=f"d-{number}",
                start=start,
                end=start + timedelta(seconds=rng.randrange(1, 9)),
                source=source,
                channel=f"{source}:out_{number % 4 // 2}",
                path=PATHS[number % 3],
                model=("birds", "selector")[number % 3 == 2],
                peak_probability=round(rng.uniform(0.5, 1), 4),
                day_part=rng.choice(list(DayPart)),
                clip="a.flac" if number % 5 == 0 else None,
            )
        )
    StoreWriter(store).write(records)


def pages(store: Store, criteria: DetectionCriteria, limit: int = 7) -> Iterator[StoredDetection]:
    """All detections that are wanted, page by page."""
    before: TimeCursor | None = None
    for _ in range(1000):
        with store.read() as session:
            page = latest_detections(session, criteria, limit=limit, before=before)
        assert len(page.detections) <= limit
        yield from page.detections
        if page.next is None:
            return
        before = TimeCursor.parse(str(page.next))
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("text", ["", "1", "x-1", "1-", "1--1", f"1-{1 << 63}", f"{10**40}-1", f"{1 << 62}-1"])
def test_what_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        TimeCursor.parse(text)


def everything(store: Store) -> list[StoredDetection]:
    with store.read() as session:
        return detections_by_id(session, list(range(1, 1000)))


def expected(store: Store, **wanted: Any) -> list[int]:
    """The numbers of detections for which the conditions on their fields hold, newest first."""
    found = [one for one in everything(store) if all(test(getattr(one, name)) for name, test in wanted.items())]
    return [one.id for one in sorted(found, key=lambda one: (one.start, one.id), reverse=True)]


def found(store: Store, **criteria: Any) -> list[int]:
    return [one.id for one in pages(store, DetectionCriteria(**criteria))]


@pytest.fixture(params=[(queries.SCANNED, 5, 4), (5, 5, 4), (5, 30, 0)], ids=["deep", "shallow", "in order of time"])
def scanned(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many detections a query reads: a shallow one ends in the middle of what is wanted. And of how many indexes
    it looks into the order of time first."""
    for name, value in zip(("SCANNED", "_LEAST_SCANNED", "_FEW"), request.param, strict=True):
        monkeypatch.setattr(queries, name, value)


def test_all_detections_come_once_and_newest_first(store: Store, scanned: None) -> None:
    fill(store)
    assert found(store) == expected(store)


def test_a_page_is_as_long_as_asked_for(store: Store) -> None:
    fill(store)
    with store.read() as session:
        page = latest_detections(session, DetectionCriteria(), limit=10)
    assert len(page.detections) == 10


def test_the_last_page_says_so(store: Store) -> None:
    fill(store, 10)
    with store.read() as session:
        assert latest_detections(session, DetectionCriteria(), limit=10).next is None


def test_a_class_includes_those_below_it(store: Store, scanned: None) -> None:
    fill(store)
    with store.read() as session:
        birds = classes_below(session, ("birds",))
    assert found(store, classes=birds) == expected(store, path=lambda path: path[0] == "birds")


def test_a_class_whose_name_begins_alike_does_not_belong_to_it(store: Store) -> None:
    StoreWriter(store).write([detection(1, path=("bird_", "a")), detection(2, path=("birds", "b"))])
    with store.read() as session:
        assert len(classes_below(session, ("bird_",))) == 2


def test_a_channel_is_found_also_together_with_a_class(store: Store, scanned: None) -> None:
    fill(store)
    with store.read() as session:
        numbers = [one.id for one in channels(session) if one.source == "lake"]
        owls = classes_below(session, ("birds", "owl"))
    assert found(store, channels=numbers) == expected(store, source=lambda name: name == "lake")
    assert found(store, channels=numbers, classes=owls) == expected(
        store, source=lambda name: name == "lake", path=lambda path: path[-1] == "owl"
    )


def test_no_class_means_no_detection(store: Store) -> None:
    fill(store, 3)
    assert found(store, classes=[]) == []


def test_times_are_from_since_to_before_until(store: Store, scanned: None) -> None:
    fill(store)
    since, until = NOON + timedelta(minutes=5), NOON + timedelta(minutes=9)
    assert found(store, since=since, until=until) == expected(store, start=lambda time: since <= time < until)


def test_more_filters_apply_together(store: Store, scanned: None) -> None:
    fill(store)
    parts = {DayPart.DAWN, DayPart.NIGHT}
    assert found(store, min_probability=0.7, day_parts=parts, has_clip=False) == expected(
        store,
        peak_probability=lambda value: value >= 0.7,
        day_part=lambda part: part in parts,
        clip=lambda clip: clip is None,
    )


def test_a_probability_at_the_limit_is_wanted(store: Store) -> None:
    StoreWriter(store).write([detection(1, peak_probability=0.9), detection(2, peak_probability=0.8999)])
    assert len(found(store, min_probability=0.9)) == 1


def test_short_detections_can_be_left_out(store: Store, scanned: None) -> None:
    fill(store)
    long = [one.id for one in everything(store) if one.end - one.start >= timedelta(seconds=4)]
    assert sorted(found(store, min_duration_s=4)) == sorted(long)


def test_marked_detections_are_found(store: Store, scanned: None) -> None:
    fill(store)
    with store.write() as session:
        mark(session, [3, 40], is_marked=True)
    assert sorted(found(store, is_marked=True)) == [3, 40]
    assert len(found(store, is_marked=False)) == 58


def test_verdicts_are_found_and_so_are_detections_without_one(store: Store, scanned: None) -> None:
    fill(store)
    with store.write() as session:
        verify(session, [1, 2], DetectionVerdict.RIGHT, user_id=None, now=NOON)
        verify(session, [3], DetectionVerdict.WRONG, user_id=None, now=NOON)
    assert sorted(found(store, verdicts=[DetectionVerdict.RIGHT])) == [1, 2]
    assert sorted(found(store, verdicts=[None, DetectionVerdict.WRONG])) == [3, *range(4, 61)]


def test_a_detection_is_found_by_its_id_in_events(store: Store) -> None:
    fill(store, 3)
    with store.read() as session:
        known = detection_of_event(session, "d-1")
    assert known is not None
    assert (known.source, known.path, known.model) == ("lake", ("birds", "owl"), "birds")


@pytest.mark.parametrize("text", ["", "1", "a-b"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        TimeCursor.parse(text)
