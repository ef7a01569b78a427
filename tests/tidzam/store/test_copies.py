"""Copies of a store are consistent while programs write, and fill any empty store."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.support.backups import fill, rows_of
from tests.support.store import KINDS, new_store
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import detection
from tidzam.config.store import StoreSettings
from tidzam.errors import StoreError
from tidzam.store.copies import StoreCopy, load_copy, save_copy
from tidzam.store.database import Store, open_store
from tidzam.store.migrate import head
from tidzam.store.tables.detections import DetectionHourRow, DetectionRow
from tidzam.store.writer import StoreWriter


def opened_copy(path: Path, folder: Path) -> Store:
    """A copy as the store of the home `folder`."""
    (folder / "store").mkdir(parents=True)
    path.rename(folder / "store" / "tidzam.sqlite3")
    return open_store(StoreSettings(), folder)


def test_a_copy_has_every_row(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    fill(store, range(50))
    save_copy(store_settings, tmp_path, tmp_path / "copy")
    with opened_copy(tmp_path / "copy", tmp_path / "new") as copy:
        assert rows_of(copy) == rows_of(store)


def test_a_copy_states_what_it_was_made_of(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    kind = store.engine.dialect.name
    assert save_copy(store_settings, tmp_path, tmp_path / "copy") == StoreCopy(kind, head())


def test_a_copy_is_one_file(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    fill(store, range(5))
    (tmp_path / "copies").mkdir()
    save_copy(store_settings, tmp_path, tmp_path / "copies" / "copy")
    with closing(sqlite3.connect(f"file:{tmp_path}/copies/copy?mode=ro", uri=True)) as copy:
        copy.execute("SELECT count(*) FROM detections").fetchone()
        assert [path.name for path in (tmp_path / "copies").iterdir()] == ["copy"]


def test_there_is_no_copy_of_a_store_that_was_never_opened(store_settings: StoreSettings, tmp_path: Path) -> None:
    assert save_copy(store_settings, tmp_path / "empty", tmp_path / "copy") is None


def test_what_is_written_meanwhile_is_in_a_copy_whole_or_not_at_all(
    store: Store, store_settings: StoreSettings, tmp_path: Path
) -> None:
    """A batch holds two detections of one hour, and each batch is counted in its own transaction."""
    fill(store, range(2000))
    stop, started = threading.Event(), threading.Event()
    wrote: list[int] = []

    def write() -> None:
        writer = StoreWriter(store)
        while not stop.is_set():
            number = 10_000 + 60 * len(wrote)
            writer.write([detection(number), detection(number + 1)])
            wrote.append(number)
            started.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert started.wait(30)
    before = len(wrote)
    save_copy(store_settings, tmp_path, tmp_path / "copy")
    during = len(wrote) - before
    stop.set()
    thread.join()
    with opened_copy(tmp_path / "copy", tmp_path / "new") as copy, copy.read() as session:
        detections = session.execute(select(func.count()).select_from(DetectionRow)).scalar_one()
        counted = session.execute(select(func.sum(DetectionHourRow.detections))).scalar_one()
    assert detections == counted
    assert (detections - 2000) % 2 == 0
    assert 2 * before <= detections - 2000 <= 2 * (before + during + 1)


@pytest.mark.parametrize("target", KINDS)
def test_a_copy_fills_an_empty_store_of_either_kind(
    target: str, store: Store, store_settings: StoreSettings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fill(store, range(50))
    save_copy(store_settings, tmp_path, tmp_path / "copy")
    if target == "sqlite":
        filled = opened_copy(tmp_path / "copy", tmp_path / "new")
    else:
        filled = open_store(new_store(target, request.config))
        load_copy(tmp_path / "copy", filled)
    with filled:
        assert rows_of(filled) == rows_of(store)


def test_new_rows_get_new_numbers_after_a_copy_was_loaded(
    store: Store, store_settings: StoreSettings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fill(store, range(10))
    save_copy(store_settings, tmp_path, tmp_path / "copy")
    with open_store(new_store("postgresql", request.config)) as filled:
        load_copy(tmp_path / "copy", filled)
        StoreWriter(filled).write([detection(99, channel="new:out_0", path=("new", "class"))])
        with filled.read() as session:
            assert session.scalar(select(func.count()).select_from(DetectionRow)) == 11


def test_a_store_that_has_rows_is_not_filled(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    fill(store, range(3))
    save_copy(store_settings, tmp_path, tmp_path / "copy")
    with pytest.raises(StoreError, match=r"is not empty: it has rows in the table \w+") as caught:
        load_copy(tmp_path / "copy", store)
    assert caught.value.code == "store_not_empty"


def test_progress_is_reported(store: Store, store_settings: StoreSettings, tmp_path: Path) -> None:
    fill(store, range(6000))
    seen: list[tuple[int, int]] = []
    save_copy(store_settings, tmp_path, tmp_path / "copy", progress=lambda done, total: seen.append((done, total)))
    assert seen
    assert all(0 <= done <= total for done, total in seen)
