"""Old rows are removed while others write; what people marked or judged stays, and so do the counts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, update

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.config.retention import StoreRetentionSettings
from tidzam.config.store import StoreSettings
from tidzam.jobs.queue import JobQueue
from tidzam.store.database import Store
from tidzam.store.records import GapRecord, LoadedRecord
from tidzam.store.retention import BATCH, RemovedRows, StoreRetention
from tidzam.store.rollups import recount
from tidzam.store.space import StoreSpace, bytes_to_free, store_space
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


def test_the_oldest_above_a_number_are_removed(store: Store) -> None:
    _, _, *young = write_aged(store, 4, 3, 2, 1)
    assert apply(store, detections_max=2) == RemovedRows(detections=2)
    assert left(store) == young


def test_those_that_somebody_marked_stay_and_do_not_count_as_too_many(store: Store) -> None:
    marked, _, *young = write_aged(store, 4, 3, 2, 1)
    with store.write() as session:
        mark(session, [marked], is_marked=True)
    apply(store, detections_max=2)
    assert left(store) == [marked, *young]


def test_what_another_node_heard_does_not_count_as_too_many(store: Store) -> None:
    write_aged(store, 4, 3, node="meadow")
    write_aged(store, 2, 1)
    assert apply(store, detections_max=2) == RemovedRows()


@pytest.mark.parametrize("limit", [{"max_gb": 1e-9}, {"min_free_gb": 1e9}])
def test_while_the_file_takes_too_much_the_oldest_are_removed_but_for_the_last_days(
    store: Store, limit: dict[str, float]
) -> None:
    _, young = write_aged(store, 8, 6)
    assert apply(store, **limit).detections == (1 if store.is_sqlite else 0)  # type: ignore[arg-type]
    assert store.is_sqlite is (left(store) == [young])


def test_no_more_is_removed_than_must_become_free(store: Store) -> None:
    fill_with_many(store, 5000)
    space = store_space(store)
    if space is not None:  # PostgreSQL has no such limit
        removed = apply(store, max_gb=space.used_bytes / 1e9 - 0.0001)
        assert 0 < removed.detections < 2500


def test_an_empty_store_that_takes_too_much_is_left_alone(store: Store) -> None:
    assert apply(store, max_gb=1e-9) == RemovedRows()


def write_gaps(store: Store, *days: float, node: str = "garden") -> None:
    """Write gaps of these ages, in sources that were loaded for an hour."""
    for age in days:
        times = {"start": NOW - timedelta(days=age), "end": NOW - timedelta(days=age - 0.1)}
        gap = GapRecord(node=node, channel="pond:out_0", reason="network", **times)
        StoreWriter(store).write([gap, LoadedRecord(node=node, source="pond", channels=2, **times)])


def test_old_gaps_and_when_sources_were_loaded_are_removed(store: Store) -> None:
    write_gaps(store, 20, 5)
    assert apply(store, gaps_days=10) == RemovedRows(gaps=2)


def test_gaps_of_another_node_stay(store: Store) -> None:
    write_gaps(store, 20, node="meadow")
    assert apply(store, gaps_days=10) == RemovedRows()


def add_job(store: Store, *, ended: datetime | None) -> None:
    with store.write() as session:
        row = JobQueue(session, "garden").add("recognizer", "wrens", {}, user_id=None, now=NOW - timedelta(days=1000))
        row.ended = ended


def test_jobs_that_ended_a_year_ago_are_removed_by_default(store: Store) -> None:
    for days in (366, 364):
        add_job(store, ended=NOW - timedelta(days=days))
    assert apply(store) == RemovedRows(jobs=1)


def test_a_job_that_has_not_ended_stays(store: Store) -> None:
    add_job(store, ended=None)
    assert apply(store) == RemovedRows()


def test_what_must_become_free_is_the_greater_of_both() -> None:
    settings = StoreRetentionSettings(max_gb=2, min_free_gb=5)
    assert bytes_to_free(StoreSpace(used_bytes=3 * 10**9, free_bytes=2 * 10**9), settings) == 3e9


def test_nothing_must_become_free_within_the_limits() -> None:
    settings = StoreRetentionSettings(max_gb=2, min_free_gb=5)
    assert bytes_to_free(StoreSpace(used_bytes=2 * 10**9, free_bytes=5 * 10**9), settings) == 0


def test_removed_rows_leave_space_in_the_file(store: Store) -> None:
    fill_with_many(store, 5000)
    before = store_space(store)
    apply(store, detections_max=100)
    after = store_space(store)
    if before is not None and after is not None:  # not PostgreSQL
        assert after.used_bytes < before.used_bytes / 2


def test_a_limit_of_bytes_is_refused_with_postgresql() -> None:
    with pytest.raises(ValidationError, match="SQLite file"):
        StoreSettings.model_validate({"url": "postgresql://tidzam@db/tidzam", "retention": {"max_gb": 5}})


def test_it_stops_between_two_transactions(store: Store) -> None:
    write_aged(store, *(20 + number / 1000 for number in range(3)))
    stop = threading.Event()
    stop.set()
    assert apply(store, stop=stop, detections_days=10) == RemovedRows()


def fill_with_many(store: Store, many: int = MANY) -> None:
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
            for count in range(1, many)
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
