"""The benchmark of the store: what it fills a store with, and that its queries find something."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.store import QUERIES, run
from benchmarks.store_rows import fill
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.config.store import StoreSettings
from tidzam.store.database import Store
from tidzam.store.queries.detections import DetectionPage
from tidzam.store.status import store_status

pytestmark = pytest.mark.timeout(120)


def test_both_kinds_of_database_are_filled_alike(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    fill(store, 3000)
    rows = store_status(store, store_settings, tmp_path).rows
    assert (rows["detections"], rows["channels"]) == (3000, 8)
    assert 2000 < rows["detection_hours"] <= 3000


def test_every_query_finds_something(store: Store) -> None:
    fill(store, 3000)
    for title, query in QUERIES.items():
        with store.read() as session:
            found = query(session, random.Random(1))
        content = found.detections if isinstance(found, DetectionPage) else found
        assert content or title in ("filter_without_result", "week_filtered", "class_and_channel")


def test_all_figures_are_reported() -> None:
    figures = run(lambda text: None, rows="500", repeats="2", databases="sqlite")
    assert {f"sqlite_{title}_p95_ms" for title in QUERIES} < figures.keys()
    assert figures["sqlite_inserts_per_s"] > 0
