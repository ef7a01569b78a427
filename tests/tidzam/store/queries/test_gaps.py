"""Which gaps and which loaded sources overlap a period."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON
from tidzam.gaps.records import Gap, GapReason, Loaded
from tidzam.store.database import Store
from tidzam.store.queries.gaps import NodeGap, NodeLoaded, gaps_between, loaded_between
from tidzam.store.records import GapRecord, LoadedRecord
from tidzam.store.writer import StoreWriter


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def test_gaps_that_overlap_the_period_are_found_those_of_a_long_absence_too(store: Store) -> None:
    StoreWriter(store).write(
        [
            GapRecord(node="garden", channel="*", reason="node_down", start=at(-200), end=at(1)),
            GapRecord(node="garden", channel="pond", reason="xrun", start=at(2), end=at(3), count=3),
            GapRecord(node="garden", channel="pond", reason="xrun", start=at(-3), end=at(0)),
            GapRecord(node="meadow", channel="pond", reason="xrun", start=at(2), end=at(3)),
        ]
    )
    with store.read() as session:
        found = gaps_between(session, at(0), at(4), node="garden")
    assert found == [
        NodeGap("garden", Gap("*", at(-200), at(1), GapReason.NODE_DOWN)),
        NodeGap("garden", Gap("pond", at(2), at(3), GapReason.XRUN, 3)),
    ]


def test_reasons_of_a_later_version_are_left_out(store: Store) -> None:
    StoreWriter(store).write([GapRecord(node="garden", channel="*", reason="eclipse", start=at(0), end=at(1))])
    with store.read() as session:
        assert gaps_between(session, at(0), at(4)) == []


def test_sources_that_were_loaded_in_the_period_are_found(store: Store) -> None:
    StoreWriter(store).write(
        [
            LoadedRecord(node="garden", source="pond", channels=2, start=at(0), end=at(1)),
            LoadedRecord(node="garden", source="pond", channels=2, start=at(5), end=at(6)),
        ]
    )
    with store.read() as session:
        found = loaded_between(session, at(0.5), at(4))
    assert found == [NodeLoaded("garden", Loaded("pond", 2, at(0), at(1)))]
