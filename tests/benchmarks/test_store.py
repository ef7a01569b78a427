"""The benchmark of the store: what it fills a store with, and that its queries find something."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from benchmarks.store import run
from benchmarks.store_other_rows import fill_other_tables
from benchmarks.store_queries import NODE, QUERIES, FilledStore
from benchmarks.store_rows import fill
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.config import Settings
from tidzam.config.settings import NodeSettings
from tidzam.config.store import StoreSettings
from tidzam.store.database import Store
from tidzam.store.status import store_status

pytestmark = pytest.mark.timeout(120)
DRAWS = 40
NONE = {"filter_without_result"}
FEW = {"week_filtered", "detections_of_similar", "annotations_of_day"}
"""Queries that find something only if there are many detections or annotations."""


def test_both_kinds_of_database_are_filled_alike(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    fill(store, 3000)
    rows = store_status(store, store_settings, tmp_path).rows
    assert (rows["detections"], rows["channels"]) == (3000, 8)
    assert 2000 < rows["detection_hours"] <= 3000


def test_every_query_finds_something(store: Store, tmp_path: Path) -> None:
    fill(store, 3000)
    fill_other_tables(store, share=0.01)
    filled = FilledStore(store, Settings(home=tmp_path, node=NodeSettings(name=NODE)), 3000)
    draw = Random(1)
    empty = {title for title, query in QUERIES.items() if not any(query(filled, draw) for _ in range(DRAWS))}
    assert empty - FEW == NONE


def test_all_figures_are_reported_and_a_folder_is_filled_once(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        figures = run(said.append, rows="500", repeats="2", databases="sqlite", folder=str(tmp_path))
    assert {f"sqlite_{title}_p95_ms" for title in QUERIES} < figures.keys()
    assert figures["sqlite_inserts_per_s"] > 0
    assert sum(text.startswith("filled") for text in said) == 1
