"""What was heard and how long was listened, per hour of each day, for time models."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.gaps.day_files import write_open
from tidzam.gaps.open_state import OpenGap, OpenSource, OpenState
from tidzam.gaps.records import GapReason
from tidzam.store.database import Store
from tidzam.store.queries.class_times import ClassTimes, class_times, tag_times
from tidzam.store.queries.gaps import NodeLedger
from tidzam.store.records import GapRecord, LoadedRecord, StoreRecord
from tidzam.store.tables.annotations import AnnotationOrigin, AnnotationRow, TagRow
from tidzam.store.tables.detections import DetectionVerdict
from tidzam.store.verification import verify
from tidzam.store.writer import StoreWriter

FIRST, LAST = date(2026, 5, 1), date(2026, 5, 3)
WREN = ("birds", "wren")


END = datetime(2026, 5, 4, tzinfo=UTC)
NO_LEDGER = NodeLedger("garden", None)


def found(store: Store, zone: str = "UTC", *, ledger: NodeLedger = NO_LEDGER, now: datetime = END) -> ClassTimes:
    with store.read() as session:
        return class_times(session, FIRST, LAST, ZoneInfo(zone), ledger=ledger, now=now)


def loaded(hours: int, node: str = "garden", channels: int = 1) -> list[StoreRecord]:
    return [
        LoadedRecord(
            node=node,
            source="pond",
            channels=channels,
            start=NOON + timedelta(hours=hour),
            end=NOON + timedelta(hours=hour + 1),
        )
        for hour in range(hours)
    ]


def annotation_at(start: datetime) -> AnnotationRow:
    """An annotation of the first tag on the first channel."""
    return AnnotationRow(
        channel_id=1,
        tag_id=1,
        start=start,
        end=start + timedelta(seconds=2),
        local_day=0,
        origin=int(AnnotationOrigin.MANUAL),
        version=1,
        created=NOON,
        changed=NOON,
    )


def test_hours_listened_are_those_loaded_less_the_gaps_of_all_nodes(store: Store) -> None:
    gap = GapRecord(node="garden", channel="*", reason="xrun", start=NOON, end=NOON + timedelta(minutes=30))
    StoreWriter(store).write([*loaded(3), *loaded(2, node="meadow", channels=2), gap])
    assert found(store).exposure_h[0, 11:16] == pytest.approx([0.0, 2.5, 3.0, 1.0, 0.0])


def test_detections_are_counted_in_hours_of_the_clock_without_those_judged_wrong(store: Store) -> None:
    zone = "America/New_York"
    StoreWriter(store).write([detection(number, time_zone=zone) for number in (1, 2, 70)])
    with store.write() as session:
        verify(session, [2], DetectionVerdict.WRONG, user_id=None, now=NOON)
    counts = found(store, zone).counts[WREN]
    assert (counts[0, 8], counts[0, 9], counts.sum()) == (1, 1, 2)


def test_a_day_of_which_nothing_is_recorded_counts_as_listened_if_something_was_heard(store: Store) -> None:
    next_day = NOON + timedelta(days=1)
    StoreWriter(store).write([*loaded(1), detection(1), detection(2, start=next_day, end=next_day)])
    times = found(store)
    assert times.exposure_h.sum(axis=1) == pytest.approx([1.0, 24.0, 0.0])
    assert times.assumed_days == 1


def test_an_hour_in_which_something_was_heard_was_listened_to(store: Store) -> None:
    StoreWriter(store).write([*loaded(1), detection(130)])
    assert found(store).exposure_h[0, 12:16] == pytest.approx([1.0, 0.0, 1.0, 0.0])


def test_a_class_has_those_below_it_too(store: Store) -> None:
    start = datetime(2026, 5, 2, 4, tzinfo=UTC)
    owl = detection(3, id="owl", path=("birds", "owl"), start=start, end=start)
    StoreWriter(store).write([detection(1), detection(2), owl])
    sums = {path: int(counts.sum()) for path, counts in found(store).with_descendants().items()}
    assert sums == {("birds",): 3, WREN: 2, ("birds", "owl"): 1}


def test_annotations_are_counted_by_tag_in_hours_of_the_clock(store: Store) -> None:
    StoreWriter(store).write([detection(1)])
    with store.write() as session:
        session.add(TagRow(id=1, name="heron"))
        session.flush()
        session.add_all(annotation_at(NOON + timedelta(hours=hour)) for hour in (0, 0, 5, -14, 60))
    with store.read() as session:
        times = tag_times(session, FIRST, LAST, ZoneInfo("America/New_York"), ledger=NO_LEDGER, now=END)
    heron = times.counts["heron",]
    assert (heron[0, 8], heron[0, 13], heron[2, 20], heron.sum()) == (2, 1, 1, 4)


def test_what_lasts_counts_as_listened_up_to_now(store: Store, tmp_path: Path) -> None:
    now = NOON + timedelta(minutes=12)
    gap = OpenGap("pond:out_0", GapReason.SILENCE, since=now - timedelta(minutes=3))
    source = OpenSource("pond", 2, since=NOON, returns=True)
    write_open(tmp_path, OpenState("stream_manager", GapReason.NODE_DOWN, now, sources=(source,), gaps=(gap,)))
    StoreWriter(store).write([detection(1, path=WREN, start=NOON, end=NOON)])
    times = found(store, ledger=NodeLedger("garden", tmp_path), now=now)
    assert (times.exposure_h.sum(), times.assumed_days) == (pytest.approx((12 + 9) / 60), 0)
