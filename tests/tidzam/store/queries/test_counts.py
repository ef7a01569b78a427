"""Counts for charts: per day, per hour and by class, without what was judged wrong."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.store.database import Store
from tidzam.store.queries.classes import channels, classes, classes_below
from tidzam.store.queries.counts import CountCriteria, counts_per_day, counts_per_hour, heard_classes, heat_map
from tidzam.store.queries.detections import detections_by_id
from tidzam.store.tables.accounts import UserRow
from tidzam.store.tables.detections import DetectionRow, DetectionVerdict
from tidzam.store.verification import remove, verify, withdraw
from tidzam.store.writer import StoreWriter

ZONE = "America/New_York"
FIRST, LAST = date(2026, 5, 1), date(2026, 5, 20)


def fill(store: Store) -> None:
    """Two hundred detections of three classes over three weeks, every 2.5 hours."""
    paths = (("birds", "wren"), ("birds", "owl"), ("frogs",))
    start = datetime(2026, 5, 1, 3, 30, tzinfo=UTC)
    StoreWriter(store).write(
        [
            detection(
                number,
                start=start + timedelta(hours=2.5 * number),
                path=paths[number % 7 % 3],
                channel=f"pond:out_{number % 2}",
                time_zone=ZONE,
            )
            for number in range(200)
        ]
    )


def criteria(**changes: Any) -> CountCriteria:
    return CountCriteria(**({"first": FIRST, "last": LAST} | changes))


def local_starts(store: Store, path: str = "", channel: str = "") -> list[datetime]:
    """When detections within the days began, by the clock of the node."""
    with store.read() as session:
        all_of_them = detections_by_id(session, list(range(1, 201)))
    starts = [
        one.start.astimezone(ZoneInfo(ZONE))
        for one in all_of_them
        if "/".join(one.path).startswith(path) and one.channel.startswith(channel)
    ]
    return sorted(start for start in starts if FIRST <= start.date() <= LAST)


def test_detections_are_counted_per_local_day(store: Store) -> None:
    fill(store)
    with store.read() as session:
        found = Counter[date]()
        for day, _, n in counts_per_day(session, criteria()):
            found[day] += n
    assert found == Counter(start.date() for start in local_starts(store))


def test_detections_of_classes_and_channels_are_counted(store: Store) -> None:
    fill(store)
    with store.read() as session:
        birds = classes_below(session, ("birds",))
        (channel,) = [one.id for one in channels(session) if one.channel == "pond:out_1"]
        found = sum(one.detections for one in counts_per_day(session, criteria(classes=birds, channels=[channel])))
    assert found == len(local_starts(store, "birds", "pond:out_1"))


def test_a_heat_map_has_the_hours_of_each_day(store: Store) -> None:
    fill(store)
    with store.read() as session:
        found = {(day, hour): n for day, hour, n in heat_map(session, criteria())}
    assert found == Counter((start.date(), start.hour) for start in local_starts(store))


def test_days_that_are_counted_together_are_named_by_the_first_of_them(store: Store) -> None:
    fill(store)
    with store.read() as session:
        found = Counter[date]()
        for day, _, n in counts_per_day(session, criteria(step_days=7)):
            found[day] += n
    weeks = (FIRST + timedelta(days=7 * ((start.date() - FIRST).days // 7)) for start in local_starts(store))
    assert found == Counter(weeks)


def test_hours_of_days_that_are_counted_together_are_added(store: Store) -> None:
    fill(store)
    with store.read() as session:
        found = {hour: n for _, hour, n in heat_map(session, criteria(step_days=28))}
    assert found == Counter(start.hour for start in local_starts(store))


def test_a_heat_map_may_be_of_one_channel(store: Store) -> None:
    fill(store)
    with store.read() as session:
        (channel,) = [one.id for one in channels(session) if one.channel == "pond:out_1"]
        found = {(day, hour): n for day, hour, n in heat_map(session, criteria(channels=[channel]))}
    assert found == Counter((start.date(), start.hour) for start in local_starts(store, channel="pond:out_1"))


def test_classes_may_be_left_out_of_a_heat_map(store: Store) -> None:
    fill(store)
    with store.read() as session:
        (frogs,) = [one.id for one in classes(session) if one.path == ("frogs",)]
        found = {(day, hour): n for day, hour, n in heat_map(session, criteria(without_classes={frogs}))}
    assert found == Counter((start.date(), start.hour) for start in local_starts(store, "birds"))


def test_the_days_of_a_model_are_counted(store: Store) -> None:
    fill(store)
    with store.read() as session:
        found = sum(n for _, _, n in counts_per_day(session, criteria(models=[1])))
    assert found == len(local_starts(store))


def test_classes_that_were_heard_have_their_days(store: Store) -> None:
    fill(store)
    with store.read() as session:
        found = {one.path[-1]: one.days for one in heard_classes(session, criteria())}
    assert found["frogs"] == Counter(start.date() for start in local_starts(store, "frogs"))


def test_hours_are_counted_by_class(store: Store) -> None:
    fill(store)
    with store.read() as session:
        (frogs,) = [one.id for one in classes(session) if one.path == ("frogs",)]
        found = {(day, hour): n for day, hour, class_id, n in counts_per_hour(session, criteria()) if class_id == frogs}
    assert found == Counter((start.date(), start.hour) for start in local_starts(store, "frogs"))


def test_classes_that_were_heard_have_their_first_and_last_time(store: Store) -> None:
    fill(store)
    with store.read() as session:
        found = {one.path[-1]: one for one in heard_classes(session, criteria())}
    for name, path in (("wren", "birds/wren"), ("owl", "birds/owl"), ("frogs", "frogs")):
        starts = local_starts(store, path)
        assert found[name].detections == len(starts)
        assert (found[name].first, found[name].last) == (starts[0], starts[-1])


def test_the_most_frequent_class_comes_first(store: Store) -> None:
    fill(store)
    with store.read() as session:
        found = [one.detections for one in heard_classes(session, criteria())]
    assert found == sorted(found, reverse=True)


def test_a_class_on_one_channel_has_its_first_time_there(store: Store) -> None:
    fill(store)
    with store.read() as session:
        (channel,) = [one.id for one in channels(session) if one.channel == "pond:out_1"]
        found = {one.path[-1]: one.first for one in heard_classes(session, criteria(channels=[channel]))}
    assert found["wren"] == local_starts(store, "birds/wren", "pond:out_1")[0]


def total(store: Store) -> int:
    with store.read() as session:
        return sum(one.detections for one in heat_map(session, criteria()))


@pytest.mark.parametrize("verdict", [DetectionVerdict.WRONG, DetectionVerdict.OTHER_CLASS])
def test_what_is_judged_wrong_is_not_counted(store: Store, verdict: DetectionVerdict) -> None:
    StoreWriter(store).write([detection(number) for number in range(5)])
    with store.write() as session:
        assert verify(session, [1, 2, 999], verdict, user_id=None, now=NOON) == 2
    assert total(store) == 3


def test_the_first_time_is_that_of_a_detection_that_counts(store: Store) -> None:
    StoreWriter(store).write([detection(number) for number in range(5)])
    with store.write() as session:
        verify(session, [1], DetectionVerdict.WRONG, user_id=None, now=NOON)
    with store.read() as session:
        (wren,) = heard_classes(session, criteria())
    assert wren.first == NOON + timedelta(minutes=1)


def test_a_verdict_that_is_changed_or_withdrawn_changes_the_counts(store: Store) -> None:
    StoreWriter(store).write([detection(number) for number in range(5)])
    with store.write() as session:
        verify(session, [1, 2], DetectionVerdict.WRONG, user_id=None, now=NOON)
        verify(session, [1], DetectionVerdict.RIGHT, user_id=None, now=NOON)
    assert total(store) == 4
    with store.write() as session:
        withdraw(session, [1, 2], user_id=None)
    assert total(store) == 5


def test_what_a_user_takes_back_leaves_the_last_verdict_of_somebody_else(store: Store) -> None:
    StoreWriter(store).write([detection(number) for number in range(2)])
    with store.write() as session:
        users = [
            UserRow(name=name, role="annotator", password_hash=None, created=NOON, password_changed=NOON)
            for name in ("ann", "ben")
        ]
        session.add_all(users)
        session.flush()
        ann, ben = (user.id for user in users)
        verify(session, [1], DetectionVerdict.UNSURE, user_id=ann, now=NOON)
        verify(session, [1], DetectionVerdict.WRONG, user_id=ann, now=NOON)
        verify(session, [1, 2], DetectionVerdict.RIGHT, user_id=ben, now=NOON)
    assert total(store) == 2
    with store.write() as session:
        assert withdraw(session, [1, 2, 999], user_id=ben) == 2
    with store.read() as session:
        assert [one.verdict for one in detections_by_id(session, [1, 2])] == [DetectionVerdict.WRONG, None]
    assert total(store) == 1


def test_what_is_removed_is_not_counted_and_its_clips_are_named(store: Store) -> None:
    StoreWriter(store).write([detection(number, clip=f"{number}.flac" if number else None) for number in range(5)])
    with store.write() as session:
        verify(session, [2], DetectionVerdict.WRONG, user_id=None, now=NOON)
        assert remove(session, [1, 2, 3]) == ["1.flac", "2.flac"]
    assert total(store) == 2


def test_another_class_comes_with_its_verdict(store: Store) -> None:
    with store.write() as session, pytest.raises(ValueError, match="not RIGHT"):
        verify(session, [1], DetectionVerdict.RIGHT, user_id=None, now=NOON, class_id=1)


def test_a_class_whose_detections_were_removed_was_heard_at_noon_of_its_days(store: Store) -> None:
    """Retention leaves the counts."""
    StoreWriter(store).write([detection(number, start=NOON + timedelta(days=number, hours=3)) for number in range(5)])
    with store.write() as session:
        session.execute(delete(DetectionRow))
    with store.read() as session:
        (wren,) = heard_classes(session, criteria())
    assert (wren.detections, wren.first, wren.last) == (5, NOON, NOON + timedelta(days=4))
