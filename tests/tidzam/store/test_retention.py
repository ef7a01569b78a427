"""Old rows are removed while others write; what people marked or judged stays, and so do the counts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.config.retention import StoreRetentionSettings
from tidzam.store.database import Store
from tidzam.store.retention import BATCH, RemovedRows, StoreRetention
from tidzam.store.rollups import recount
from tidzam.store.tables.accounts import AuditRow
from tidzam.store.tables.detections import DetectionDayRow, DetectionHourRow, DetectionRow, DetectionVerdict
from tidzam.store.upsert import table_of
from tidzam.store.verification import mark, verify
from tidzam.store.writer import StoreWriter

NOW = NOON + timedelta(days=30)
MANY = 50_000


def apply(store: Store, *, stop: threading.Event | None = None, node: str = "garden", **settings: float) -> RemovedRows:
    retention = StoreRetention(store, StoreRetentionSettings(**settings), node=node)
    return retention.apply(now=NOW, stop=stop or threading.Event())


def write_aged(store: Store, *days: float, **changes: object) -> list[int]:
    """Write detections of these ages. Returns their numbers."""
    starts = [NOW - timedelta(days=age) for age in days]
    StoreWriter(store).write(
        [
            detection(start=start, end=start, **({"id": f"{start}-{changes}"} | changes))  # type: ignore[arg-type]
            for start in starts
        ]
    )
    with store.read() as session:
        numbers = {row.start: row.id for row in session.scalars(select(DetectionRow))}
    return [numbers[start] for start in starts]


def left(store: Store) -> Sequence[int]:
    with store.read() as session:
        return session.scalars(select(DetectionRow.id).order_by(DetectionRow.id)).all()


def test_by_default_nothing_is_removed(store: Store) -> None:
    write_aged(store, 10_000)
    assert apply(store) == RemovedRows()


def test_what_is_older_is_removed_and_the_rest_stays(store: Store) -> None:
    _, young = write_aged(store, 10.001, 9.999)
    assert apply(store, detections_days=10) == RemovedRows(detections=1)
    assert left(store) == [young]


def test_what_somebody_marked_stays(store: Store) -> None:
    marked, _ = write_aged(store, 20, 19)
    with store.write() as session:
        mark(session, [marked], is_marked=True)
    apply(store, detections_days=10)
    assert left(store) == [marked]


@pytest.mark.parametrize("verdict", DetectionVerdict)
def test_what_somebody_judged_stays(store: Store, verdict: DetectionVerdict) -> None:
    judged, _ = write_aged(store, 20, 19)
    with store.write() as session:
        verify(session, [judged], verdict, user_id=None, now=NOW)
    apply(store, detections_days=10)
    assert left(store) == [judged]


def test_what_goes_on_stays(store: Store) -> None:
    (number,) = write_aged(store, 20, is_open=True)
    apply(store, detections_days=10)
    assert left(store) == [number]


def test_what_another_node_heard_stays(store: Store) -> None:
    (number,) = write_aged(store, 20, node="meadow")
    apply(store, detections_days=10)
    assert left(store) == [number]


def test_the_counts_say_what_was_heard(store: Store) -> None:
    write_aged(store, 20, 19, 18, 1)
    apply(store, detections_days=10)
    with store.read() as session:
        hours = session.scalar(select(func.sum(DetectionHourRow.detections)))
        days = session.scalar(select(func.sum(DetectionDayRow.detections)))
    assert (hours, days, len(left(store))) == (4, 4, 1)


def test_the_audit_log_is_removed(store: Store) -> None:
    with store.write() as session:
        for days in (20, 5):
            time = NOW - timedelta(days=days)
            session.add(AuditRow(time=time, actor="ada", address="::1", action="x", subject="", detail=""))
    assert apply(store, audit_days=10) == RemovedRows(audit=1)


def test_it_stops_between_two_transactions(store: Store) -> None:
    write_aged(store, *(20 + number / 1000 for number in range(3)))
    stop = threading.Event()
    stop.set()
    assert apply(store, stop=stop, detections_days=10) == RemovedRows()


def fill_with_many(store: Store) -> None:
    """Many old detections, every hundredth of which is judged: copies of one, made by the database."""
    (number,) = write_aged(store, 100)
    table = table_of(DetectionRow)
    with store.write() as session:
        original = session.execute(select(table).where(table.c.id == number)).mappings().one()
        rows = [
            {
                **original,
                "id": number + count,
                "event_key": count.to_bytes(16, "big"),
                "start": original["start"] + timedelta(seconds=count),
                "verdict": 1 if count % 100 == 0 else None,
            }
            for count in range(1, MANY)
        ]
        session.execute(table.insert(), rows)
        recount(session)


def test_a_writer_goes_on_while_many_are_removed(store: Store) -> None:
    fill_with_many(store)
    ended, writer = threading.Event(), StoreWriter(store)
    removed: list[RemovedRows] = []
    faults: list[Exception] = []

    def remove() -> None:
        try:
            removed.append(apply(store, detections_days=10))
        except Exception as error:  # noqa: BLE001  shown by the assert
            faults.append(error)
        ended.set()

    thread = threading.Thread(target=remove)
    thread.start()
    written = 0
    while not ended.is_set():
        start = datetime(2026, 5, 31, tzinfo=UTC) + timedelta(seconds=written)
        writer.write([detection(id=f"new-{written}", start=start, end=start)])
        written += 1
        ended.wait(0.01)
    thread.join()
    judged = (MANY - 1) // 100
    assert faults == []
    assert removed[0].detections == MANY - judged
    assert len(left(store)) == judged + written
    assert written > MANY / BATCH / 10


def test_a_detection_that_is_marked_just_before_its_removal_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are found in one transaction and removed in another."""
    (number,) = write_aged(store, 20)
    write = store.write

    def mark_first() -> object:
        with write() as session:
            session.execute(update(DetectionRow).where(DetectionRow.id == number).values(is_marked=True))
        return write()

    monkeypatch.setattr(store, "write", mark_first)
    assert apply(store, detections_days=10) == RemovedRows()
    assert left(store) == [number]
