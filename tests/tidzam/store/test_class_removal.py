"""Removing the detections of a class: what people marked or judged stays, and the counts are those of what is left."""

from __future__ import annotations

from sqlalchemy import func, select

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.store.class_removal import RemovableDetections, removable_detections, remove_class
from tidzam.store.database import Store
from tidzam.store.rollups import ROLLUPS, recount
from tidzam.store.tables.detections import DetectionRow, DetectionVerdict
from tidzam.store.tables.models import ClassRow
from tidzam.store.upsert import table_of
from tidzam.store.verification import mark, verify
from tidzam.store.writer import StoreWriter

Counts = list[list[tuple[int, ...]]]


def filled(store: Store) -> int:
    """Twelve wrens, of which four are marked, judged or still heard, and three owls. Returns the number of the wren."""
    wrens = [detection(number, channel=f"pond:out_{number % 2}", is_open=number == 4) for number in range(1, 13)]
    owls = [detection(number, id=f"owl-{number}", path=("birds", "owl")) for number in range(3)]
    StoreWriter(store).write([*wrens, *owls])
    with store.write() as session:
        mark(session, [1], is_marked=True)
        verify(session, [2], DetectionVerdict.RIGHT, user_id=None, now=NOON)
        verify(session, [3], DetectionVerdict.WRONG, user_id=None, now=NOON)
        number = session.scalar(select(ClassRow.id).where(ClassRow.path == "birds/wren"))
    assert number is not None
    return number


def counts(store: Store) -> Counts:
    with store.read() as session:
        tables = [table_of(rollup.row) for rollup in ROLLUPS]
        return [sorted(tuple(row) for row in session.execute(select(table))) for table in tables]


def counts_of_what_is_there(store: Store) -> Counts:
    with store.write() as session:
        recount(session)
    return counts(store)


def test_what_is_starred_judged_or_still_heard_stays(store: Store) -> None:
    wren = filled(store)
    assert remove_class(store, wren, limit=1000, pause_s=0) == 8
    with store.read() as session:
        left = session.scalars(select(DetectionRow.id).where(DetectionRow.class_id == wren).order_by(DetectionRow.id))
        assert left.all() == [1, 2, 3, 4]
        assert removable_detections(session, wren, limit=10) == RemovableDetections(0, 4)
        assert session.scalar(select(func.count()).where(DetectionRow.class_id != wren)) == 3


def test_the_counts_equal_a_recount(store: Store) -> None:
    remove_class(store, filled(store), limit=1000, pause_s=0)
    assert counts(store) == counts_of_what_is_there(store)


def test_no_more_than_the_limit_is_removed_and_the_counts_agree_between_the_parts(store: Store) -> None:
    wren = filled(store)
    removed = [remove_class(store, wren, limit=5, pause_s=0) for _ in range(3)]
    assert removed == [5, 3, 0]
    assert counts(store) == counts_of_what_is_there(store)
