"""Copies of the store: a single SQLite file with everything in it, from either kind of database and into either.

A copy is consistent: it holds what was committed when it began. Programs write meanwhile and do not wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alembic import command
from sqlalchemy import JSON, URL, Connection, create_engine, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from tidzam.config.store import StoreSettings
from tidzam.errors import StoreError
from tidzam.progress import Progress, no_progress
from tidzam.store.base import Base
from tidzam.store.database import Store, unreachable
from tidzam.store.engine import address_of, make_engine, shown
from tidzam.store.migrate import alembic_config, require_known, version_of

_PAGES: Final = 2048
"""Pages of an SQLite file (4 KB each) that are copied between two reports of progress."""
_ROWS: Final = 5000
"""Rows that are fetched at once."""
_VERSION_TABLE: Final = "alembic_version"


@dataclass(frozen=True)
class StoreCopy:
    """What was copied: the kind of database, and the version of its schema."""

    kind: str
    version: str


def save_copy(
    settings: StoreSettings, home: Path | None, path: Path, *, progress: Progress = no_progress
) -> StoreCopy | None:
    """Write a copy of the store into the new file `path`; None if there is no store yet, or an empty one.

    Nothing is migrated. `progress` counts pages or rows. Raises StoreError, SetupError and ConfigError as `open_store`
    does, and OSError and sqlite3.Error if the file cannot be written.
    """
    url = address_of(settings, home)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    engine, address = make_engine(settings, home), shown(url)
    try:
        with engine.connect() as connection:
            return _save(connection, address, path, progress)
    except SQLAlchemyError as error:
        raise unreachable(address, error) from error
    finally:
        engine.dispose()


def _save(connection: Connection, address: str, path: Path, progress: Progress) -> StoreCopy | None:
    kind = connection.dialect.name
    if kind == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    version = version_of(connection)
    if version is None:
        return None
    require_known(version, address)
    if kind == "sqlite":
        copy_sqlite(connection.connection.driver_connection, path, progress=progress)
    else:
        _copy_postgresql(connection, version, path, progress)
    return StoreCopy(kind, version)


def copy_sqlite(source: Any, path: Path, *, progress: Progress = no_progress) -> None:
    """Copy the database of an SQLite connection into the new file `path`, while other programs write to it.

    The connection reads within one transaction, so that the copy need not begin again whenever one of them does.
    """
    if not source.in_transaction:
        source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_master").fetchone()
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        source.backup(copy, pages=_PAGES, progress=lambda _, left, total: progress(total - left, total))
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, which can be read without writing beside it
    source.execute("ROLLBACK")


def _copy_postgresql(connection: Connection, version: str, path: Path, progress: Progress) -> None:
    _make_schema(path, version)
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        copy.execute("PRAGMA synchronous = OFF")  # the caller makes it durable
        copy.execute("BEGIN")
        names = [name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = [name for name in names if name != _VERSION_TABLE and not name.startswith("sqlite_")]
        counter = _Counter(progress, sum(_count(connection, name) for name in tables))
        for table in tables:
            columns = [column for _, column, *_ in copy.execute(f"PRAGMA table_info({_quoted(table)})")]
            marks = ", ".join("?" * len(columns))
            rows = counter.counted(_rows_of(connection, table, columns))
            copy.executemany(f"INSERT INTO {_quoted(table)} ({_list(columns)}) VALUES ({marks})", rows)
        copy.execute("COMMIT")


def _make_schema(path: Path, version: str) -> None:
    """Make an empty SQLite store of this version."""
    engine = create_engine(URL.create("sqlite", database=str(path)))
    try:
        with engine.begin() as connection:
            command.upgrade(alembic_config(connection), version)
    finally:
        engine.dispose()


def _rows_of(connection: Connection, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of a table of PostgreSQL, as SQLite stores them."""
    is_json = {column["name"]: isinstance(column["type"], JSON) for column in inspect(connection).get_columns(table)}
    wanted = ", ".join(f"{_quoted(name)}::text" if is_json[name] else _quoted(name) for name in columns)
    driver: Any = connection.connection.driver_connection
    with driver.cursor(name="tidzam_copy") as cursor:
        cursor.itersize = _ROWS
        yield from cursor.execute(f"SELECT {wanted} FROM {_quoted(table)}")


def _count(connection: Connection, table: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {_quoted(table)}").scalar_one())


def load_copy(path: Path, store: Store, *, progress: Progress = no_progress) -> None:
    """Fill an empty store in PostgreSQL with the rows of a copy of the same version, in one transaction.

    Raises StoreError (`store_not_empty`, `store_unreachable`).
    """
    require_empty(store)
    tables = Base.metadata.sorted_tables
    with closing(sqlite3.connect(path)) as copy, store.write() as session:
        totals = {t.name: copy.execute(f"SELECT count(*) FROM {_quoted(t.name)}").fetchone()[0] for t in tables}
        counter = _Counter(progress, sum(totals.values()))
        driver: Any = session.connection().connection.driver_connection
        for table in tables:
            names = _list(column.name for column in table.columns)
            rows = counter.counted(copy.execute(f"SELECT {names} FROM {_quoted(table.name)}"))
            _insert(driver, table.name, names, rows)
            if table.autoincrement_column is not None:
                _continue_numbers(driver, table.name, table.autoincrement_column.name)


def _insert(driver: Any, table: str, names: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with driver.cursor() as cursor, cursor.copy(f"COPY {_quoted(table)} ({names}) FROM STDIN") as sink:
        for row in rows:
            sink.write_row(row)


def _continue_numbers(driver: Any, table: str, column: str) -> None:
    """Let PostgreSQL number new rows after those that are there."""
    last = f"coalesce((SELECT max({_quoted(column)}) FROM {_quoted(table)}), 0)"
    with driver.cursor() as cursor:
        cursor.execute(f"SELECT setval(pg_get_serial_sequence(%s, %s), {last} + 1, false)", (_quoted(table), column))


def require_empty(store: Store) -> None:
    """Raises StoreError (`store_not_empty`) if there is any row in a store."""
    with store.read() as session:
        for table in Base.metadata.sorted_tables:
            if session.execute(select(func.count()).select_from(select(table).limit(1).subquery())).scalar_one():
                raise StoreError(
                    f"The store {store.address} is not empty: it has rows in the table {table.name}.",
                    hint="Choose an empty database, or delete that one.",
                    code="store_not_empty",
                )


class _Counter:
    """Reports the progress of rows over several tables."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def counted(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        for row in rows:
            yield row
            self._done += 1
            if self._done % _ROWS == 0:
                self._progress(self._done, self._total)


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    """A name of the schema in SQL: some, such as `end`, are key words."""
    return f'"{name}"'
