"""The detection of the same class before another one."""

from __future__ import annotations

from datetime import timedelta

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.store.database import Store
from tidzam.store.queries.previous import previous_starts
from tidzam.store.tables.detections import DetectionVerdict
from tidzam.store.verification import verify
from tidzam.store.writer import StoreWriter


def test_the_previous_one_is_of_the_same_class_and_was_not_judged_wrong(store: Store) -> None:
    paths = {1: "wren", 2: "robin", 3: "wren", 4: "wren", 5: "robin"}
    StoreWriter(store).write([detection(number, path=("birds", label)) for number, label in paths.items()])
    with store.write() as session:
        verify(session, [3], DetectionVerdict.WRONG, user_id=None, now=NOON)
    with store.read() as session:
        found = previous_starts(session, [1, 2, 4, 5])
    assert found == {1: None, 2: None, 4: NOON + timedelta(minutes=1), 5: NOON + timedelta(minutes=2)}


def test_of_two_at_the_same_time_one_is_the_first(store: Store) -> None:
    StoreWriter(store).write([detection(1, id="a"), detection(1, id="b")])
    with store.read() as session:
        assert previous_starts(session, [1, 2]) == {1: None, 2: NOON + timedelta(minutes=1)}
