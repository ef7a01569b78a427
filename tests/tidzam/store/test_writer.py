"""What programs report is in the store once, as it was last known, and counted."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.store.database import Store
from tidzam.store.records import DetectionRecord, event_key
from tidzam.store.rollups import ROLLUPS, recount
from tidzam.store.tables.detections import DetectionDayRow, DetectionHourRow, DetectionRow, DetectionVerdict
from tidzam.store.tables.models import ClassRow, ModelRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow
from tidzam.store.upsert import table_of
from tidzam.store.writer import StoreWriter

NOON_HOUR = 20574 * 24 + 12
"""2026-05-01 12:00 in hours since the epoch."""


def rows(store: Store) -> Sequence[DetectionRow]:
    with store.read() as session:
        return session.scalars(select(DetectionRow).order_by(DetectionRow.start)).all()


def all_counts(store: Store) -> list[set[tuple[int, ...]]]:
    """The rows of all tables of counts."""
    with store.read() as session:
        return [{tuple(row) for row in session.execute(select(table_of(one.row)))} for one in ROLLUPS]


def counts(store: Store) -> tuple[dict[tuple[int, ...], int], dict[tuple[int, ...], int]]:
    """The counts per hour and per day, by their keys."""
    hour, day = DetectionHourRow, DetectionDayRow
    with store.read() as session:
        hours = session.execute(
            select(hour.class_id, hour.local_hour, hour.channel_id, hour.model_id, hour.detections)
        ).all()
        days = session.execute(select(day.class_id, day.local_day, day.channel_id, day.model_id, day.detections)).all()
    return {tuple(key): n for *key, n in hours}, {tuple(key): n for *key, n in days}


def test_a_detection_is_stored_with_all_that_is_known(store: Store) -> None:
    StoreWriter(store).write([detection(1, level_dbfs=-30.5, clip="wren/a.flac", day_part="day")])
    (row,) = rows(store)
    assert (row.event_key, row.start, row.end) == (
        event_key(detection(1).id),
        NOON + timedelta(minutes=1),
        NOON + timedelta(minutes=1, seconds=2),
    )
    assert (row.windows, row.level_dbfs, row.clip, row.day_part) == (2, -30.5, "wren/a.flac", 2)


def test_a_detection_refers_to_its_place_class_and_model(store: Store) -> None:
    StoreWriter(store).write([detection(1)])
    query = (
        select(NodeRow.name, SourceRow.name, ChannelRow.name, ClassRow.path, ModelRow.name, ModelRow.version)
        .select_from(DetectionRow)
        .join(ChannelRow, ChannelRow.id == DetectionRow.channel_id)
        .join(SourceRow, SourceRow.id == ChannelRow.source_id)
        .join(NodeRow, NodeRow.id == SourceRow.node_id)
        .join(ClassRow, ClassRow.id == DetectionRow.class_id)
        .join(ModelRow, ModelRow.id == DetectionRow.model_id)
    )
    with store.read() as session:
        found = session.execute(query).one()
    assert tuple(found) == ("garden", "pond", "pond:out_0", "birds/wren", "birds", "0123456789ab")


def test_the_parents_of_a_class_are_classes(store: Store) -> None:
    StoreWriter(store).write([detection(1, path=("birds", "songbirds", "wren"))])
    with store.read() as session:
        by_id = {row.id: row for row in session.scalars(select(ClassRow))}
    parents = {row.path: by_id[row.parent_id].path if row.parent_id else None for row in by_id.values()}
    assert parents == {"birds": None, "birds/songbirds": "birds", "birds/songbirds/wren": "birds/songbirds"}


def test_a_detection_that_goes_on_is_one_row(store: Store) -> None:
    writer = StoreWriter(store)
    writer.write([detection(1, windows=2, is_open=True)])
    writer.write([detection(1, windows=3, is_open=True, clip="a.flac"), detection(1, windows=4, peak_probability=0.95)])
    (row,) = rows(store)
    assert (row.windows, row.is_open, row.clip) == (4, False, "a.flac")


@pytest.mark.parametrize("late", [{"windows": 2, "is_open": True}, {"windows": 5, "is_open": True}])
def test_a_record_that_comes_after_a_later_one_changes_nothing(store: Store, late: dict[str, object]) -> None:
    writer = StoreWriter(store)
    writer.write([detection(1, windows=4)])
    writer.write([detection(1, **late)])
    (row,) = rows(store)
    assert (row.windows, row.is_open) == (4, False)


def test_detections_are_counted_by_the_hour_and_day_of_their_nodes_clock(store: Store) -> None:
    late = datetime(2026, 5, 1, 22, 30, tzinfo=UTC)
    StoreWriter(store).write([detection(1, start=late, end=late, time_zone="Europe/Berlin")])
    hours, days = counts(store)
    assert [key[1] for key in hours] == [NOON_HOUR + 12]
    assert [key[1] for key in days] == [NOON_HOUR // 24 + 1]


def test_a_detection_written_twice_is_counted_once(store: Store) -> None:
    writer = StoreWriter(store)
    writer.write([detection(1), detection(1), detection(2)])
    writer.write([detection(2), detection(3)])
    hours, days = counts(store)
    assert ([*hours.values()], [*days.values()]) == ([3], [3])


def test_a_detection_that_began_earlier_than_was_known_moves_to_that_hour(store: Store) -> None:
    writer = StoreWriter(store)
    writer.write([detection(0, is_open=True)])
    writer.write([detection(0, start=NOON - timedelta(seconds=1), windows=3)])
    hours, _ = counts(store)
    assert {key[1]: n for key, n in hours.items()} == {NOON_HOUR - 1: 1}


def test_what_was_judged_wrong_is_not_counted_again_when_its_record_changes(store: Store) -> None:
    writer = StoreWriter(store)
    writer.write([detection(0), detection(1)])
    with store.write() as session:
        session.scalars(select(DetectionRow)).first().verdict = DetectionVerdict.WRONG  # type: ignore[union-attr]
        session.flush()
        recount(session)
    writer.write([detection(0, start=NOON - timedelta(hours=1), windows=3)])
    hours, _ = counts(store)
    assert {key[1]: n for key, n in hours.items()} == {NOON_HOUR: 1}


def random_batches(seed: int) -> list[list[DetectionRecord]]:
    """Detections of several classes, channels and models over three days, in parts, again and out of order."""
    rng = random.Random(seed)
    batches = []
    for _ in range(30):
        batch = []
        for _ in range(rng.randrange(1, 40)):
            number = rng.randrange(200)
            batch.append(
                detection(
                    number * 21,
                    path=("birds", ("wren", "owl", "jay")[number % 3]),
                    channel=f"pond:out_{number % 4}",
                    model=("birds", "selector")[number % 2],
                    windows=(windows := rng.randrange(1, 9)),
                    is_open=windows < 8,
                    time_zone="America/New_York",
                )
            )
        batches.append(batch)
    return batches


@pytest.mark.parametrize("seed", range(3))
def test_counts_equal_a_recount(store: Store, seed: int) -> None:
    writer = StoreWriter(store)
    for batch in random_batches(seed):
        writer.write(batch)
    kept = all_counts(store)
    with store.write() as session:
        recount(session)
    assert kept == all_counts(store)


def test_a_writer_goes_on_when_the_database_was_replaced(store: Store) -> None:
    writer = StoreWriter(store)
    writer.write([detection(1)])
    with store.write() as session:
        for table in (DetectionHourRow, DetectionDayRow, DetectionRow, ChannelRow, SourceRow, NodeRow):
            session.query(table).delete()
    writer.write([detection(2)])
    assert [row.event_key for row in rows(store)] == [event_key(detection(2).id)]
