"""Opening the store on SQLite and PostgreSQL: its schema, its versions, its faults."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from tests.support.ports import free_port
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.config.store import StoreSettings
from tidzam.errors import StoreError
from tidzam.store.base import from_microseconds, to_microseconds
from tidzam.store.database import Store, open_store
from tidzam.store.engine import make_engine
from tidzam.store.migrate import _LOCK_KEY, alembic_config, head, version_of
from tidzam.store.tables.places import NodeRow

on_a_server = pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)


def test_a_new_store_has_the_version_of_the_program(store: Store) -> None:
    with store.engine.connect() as connection:
        assert version_of(connection) == head()


def test_migrations_make_the_tables_that_the_models_describe(store: Store) -> None:
    """`alembic check` raises with the differences."""
    with store.writing_engine.connect() as connection:
        command.check(alembic_config(connection))


OLDER_COUNTS = (
    "INSERT INTO detection_hours (class_id, local_hour, channel_id, model_id, detections) "
    "VALUES (1, 480000, 1, 1, 5), (2, 480000, 1, 1, 3)",
    "INSERT INTO detection_days (class_id, local_day, channel_id, model_id, detections) VALUES (1, 20000, 1, 1, 5)",
    "INSERT INTO class_hours (class_id, local_hour, detections) VALUES (1, 480000, 5)",
    "INSERT INTO class_days (class_id, local_day, detections) VALUES (1, 20000, 5)",
)
"""Counts of version 0011; those of classes on the channel 1."""
COUNTS = {
    "detection_hours": [(1, 480000, 1, 1, 5), (2, 480000, 1, 1, 3)],
    "detection_days": [(1, 20000, 1, 1, 5)],
    "class_hours": [(480000, 1, 5)],
    "class_days": [(20000, 1, 5)],
    "channel_hours": [(1, 480000, 8)],
}
"""What they are now, by the columns of the keys."""


def test_the_counts_of_an_older_store_are_kept(store_settings: StoreSettings, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    places = (
        "INSERT INTO nodes (id, name) VALUES (1, 'marsh')",
        "INSERT INTO sources (id, node_id, name) VALUES (1, 1, 'pond')",
        "INSERT INTO channels (id, source_id, name) VALUES (1, 1, 'out_0')",
        "INSERT INTO classes (id, path, label) VALUES (1, 'birds', 'birds'), (2, 'frogs', 'frogs')",
        "INSERT INTO models (id, name, version) VALUES (1, 'selector', '1')",
    )
    with make_engine(store_settings, tmp_path).begin() as connection:
        command.upgrade(alembic_config(connection), "0011")
        for statement in (*places, *OLDER_COUNTS):
            connection.execute(text(statement))
    with open_store(store_settings, tmp_path) as store, store.read() as session:
        found = {name: session.execute(text(f"SELECT * FROM {name} ORDER BY 1, 2, 3")).all() for name in COUNTS}
    assert {name: [tuple(row) for row in rows] for name, rows in found.items()} == COUNTS


@on_a_server
def test_a_connection_to_a_server_that_has_vanished_fails_within_half_a_minute(store: Store) -> None:
    with store.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        set_to = driver.info.get_parameters()
    idle_s, interval_s, count = (int(set_to[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle_s + interval_s * count <= 30


def test_what_was_written_is_there_after_the_next_opening(store_settings: StoreSettings, tmp_path: Path) -> None:
    with open_store(store_settings, tmp_path) as store, store.write() as session:
        session.add(NodeRow(name="pond"))
    with open_store(store_settings, tmp_path) as store, store.read() as session:
        assert session.scalars(select(NodeRow.name)).all() == ["pond"]


def test_an_exception_undoes_what_its_session_wrote(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write() as session:
        session.add(NodeRow(name="pond"))
        session.flush()
        raise ZeroDivisionError
    with store.read() as session:
        assert session.scalars(select(NodeRow)).all() == []


def test_programs_may_open_a_new_store_at_the_same_time(store_settings: StoreSettings, tmp_path: Path) -> None:
    faults: list[BaseException] = []
    barrier = threading.Barrier(4)

    def open_it() -> None:
        barrier.wait()
        try:
            open_store(store_settings, tmp_path).close()
        except BaseException as error:  # noqa: BLE001  shown by the assert
            faults.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_writers_wait_for_one_another(store: Store) -> None:
    """Each reads before it writes, which SQLite refuses unless it is announced."""

    def add(number: int) -> None:
        with store.write() as session:
            session.scalars(select(NodeRow)).all()
            session.add(NodeRow(name=f"node-{number}"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as session:
        assert len(session.scalars(select(NodeRow)).all()) == 8


def test_a_store_of_a_newer_program_is_refused(store_settings: StoreSettings, tmp_path: Path) -> None:
    with open_store(store_settings, tmp_path) as store, store.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=f"has version 9999; this program knows versions up to {head()}"):
        open_store(store_settings, tmp_path)


def migrated_by_a_newer_program(store: Store) -> None:
    with store.writing_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))


def test_a_program_that_runs_writes_nothing_after_a_newer_one_has_migrated_the_store(store: Store) -> None:
    migrated_by_a_newer_program(store)
    with (
        pytest.raises(StoreError, match="to version 9999; this one") as caught,
        store.write() as session,
    ):
        session.add(NodeRow(name="pond"))
    assert caught.value.code == "store_newer"
    with store.read() as session:
        assert session.scalars(select(NodeRow)).all() == []


def test_a_statement_that_fails_because_of_a_migration_says_so(store: Store) -> None:
    migrated_by_a_newer_program(store)
    with pytest.raises(StoreError, match="to version 9999"), store.read() as session:
        session.execute(text("SELECT column_that_is_gone FROM nodes"))


def test_a_statement_that_is_wrong_is_not_taken_for_a_migration(store: Store) -> None:
    with pytest.raises((StoreError, DBAPIError)) as caught, store.read() as session:
        session.execute(text("SELECT no_column FROM nodes"))
    assert "no_column" in str(caught.value)


@on_a_server
def test_a_migration_waits_for_those_who_write(store: Store) -> None:
    with store.write(), store.engine.connect() as other:
        got = other.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK_KEY}).scalar()
    assert got is False


def test_a_server_that_is_away_is_named_with_the_reason() -> None:
    address = f"postgresql://tidzam@127.0.0.1:{free_port()}/tidzam"
    with pytest.raises(StoreError, match=r"^The store postgresql://.* cannot be used: .*refused") as caught:
        open_store(StoreSettings(url=address))
    assert caught.value.code == "store_unreachable"


def test_a_file_that_is_no_database_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "tidzam.sqlite3").write_text("hello" * 1000)
    with pytest.raises(StoreError, match=r"tidzam\.sqlite3 cannot be used: file is not a database"):
        open_store(StoreSettings(), tmp_path)


def test_a_folder_that_cannot_be_made_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match=r"cannot be used: .*Not a directory"):
        open_store(StoreSettings(), tmp_path / "home")


@on_a_server
def test_a_server_that_goes_away_is_reported_as_such(store: Store) -> None:
    end = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(StoreError, match="cannot be used"), store.read() as session:
        session.execute(end)


@on_a_server
def test_the_next_session_connects_again(store: Store) -> None:
    with pytest.raises(StoreError), store.read() as session:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with store.read() as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_times_of_any_zone_are_stored_in_utc() -> None:
    there = datetime(2026, 7, 1, 4, 0, 0, 7, tzinfo=timezone(timedelta(hours=-5)))
    assert from_microseconds(to_microseconds(there)) == datetime(2026, 7, 1, 9, 0, 0, 7, tzinfo=UTC)


def test_times_before_1970_are_stored_exactly() -> None:
    time = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert from_microseconds(to_microseconds(time)) == time


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        to_microseconds(datetime(2026, 7, 1))
