"""The connections to the store's database: SQLite or PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from tidzam.config.secret import reveal
from tidzam.config.store import StoreSettings
from tidzam.errors import SetupError
from tidzam.paths import store_folder

FILE_NAME: Final = "tidzam.sqlite3"
WRITES: Final = "tidzam_writes"
"""The execution option of connections that write. In SQLite, their transactions take the write lock at their start,
since one that reads before it writes fails if another program has written meanwhile."""
_CONNECTIONS: Final = 8
"""Connections that a program keeps open to PostgreSQL; it opens as many more for a moment if they are needed."""
_KEEPALIVES: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""A connection whose server has vanished fails after 25 seconds, also while it waits for an answer."""
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for one another
    "PRAGMA synchronous = FULL",  # what was committed survives a power cut: the spool forgets it then
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",  # 64 MB
    "PRAGMA temp_store = MEMORY",
)


def address_of(settings: StoreSettings, home: Path | None = None) -> URL:
    """The address of the database, without its password. `home` is the node's, None for the default one."""
    if settings.url is None:
        return URL.create("sqlite", database=str(store_folder(home) / FILE_NAME))
    return make_url(settings.url).set(drivername="postgresql+psycopg")


def make_engine(settings: StoreSettings, home: Path | None = None) -> Engine:
    """The engine of the database; nothing is connected yet. Raises SetupError and ConfigError (`secret`)."""
    url = address_of(settings, home)
    if url.get_backend_name() == "sqlite":
        assert url.database is not None
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        return _sqlite_engine(url, settings.timeout_s)
    return _postgresql_engine(url.set(password=reveal(settings.password, "store.password") or None), settings.timeout_s)


def _sqlite_engine(url: URL, timeout_s: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": timeout_s})
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the module sqlite3 would begin and commit by itself
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_engine(url: URL, timeout_s: float) -> Engine:
    timeouts = {"connect_timeout": max(2, round(timeout_s)), "tcp_user_timeout": round(1000 * timeout_s)}
    try:
        return create_engine(
            url,
            pool_size=_CONNECTIONS,
            max_overflow=_CONNECTIONS,
            pool_pre_ping=True,  # the server may have been restarted
            connect_args={**timeouts, **_KEEPALIVES, "application_name": "tidzam"},
        )
    except ImportError:
        raise SetupError(
            "PostgreSQL needs the package psycopg, which is not installed.",
            hint="Run `bin/tidzam install postgresql`, or `pip install 'tidzam[postgresql]'`.",
        ) from None


def shown(url: URL) -> str:
    """The address for people: without the password, and as the settings write it."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return unquote(url.set(drivername="postgresql", password=None, query={}).render_as_string())
