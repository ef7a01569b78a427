"""The schema of the store's database: its version, and the migrations to the program's own one.

The version is the number of the last file in `migrations/versions/`. A migration runs in one transaction under a lock,
so that of several programs that open the store, one migrates and the others wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import Connection, inspect, text

from tidzam.errors import StoreError
from tidzam.store.base import Base, UtcTime

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_VERSION_FILE: Final = re.compile(r"(\d{4})_\w+\.py")
_LOCK_KEY: Final = 0x7469647A616D
"""The key of PostgreSQL's advisory lock: `tidzam` in ASCII."""


@cache
def head() -> str:
    """The newest version of the schema that this program knows."""
    names = (path.name for path in (MIGRATIONS / "versions").iterdir())
    return max(found[1] for name in names if (found := _VERSION_FILE.fullmatch(name)))


def version_of(connection: Connection) -> str | None:
    """The version of a database, None if it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def require_known(version: str | None, shown: str) -> None:
    """Raises StoreError (`store_newer`) if a newer program has migrated the database."""
    if version is not None and version > head():
        raise StoreError(
            f"The store {shown} has version {version}; this program knows versions up to {head()}.",
            hint="Update Tidzam on this machine.",
            code="store_newer",
        )


def require_unchanged(connection: Connection, shown: str) -> None:
    """Raises StoreError (`store_newer`) if a newer program has migrated the database since this one has opened it.

    In a transaction that writes, nobody migrates until its end: SQLite has one writer at a time, and in PostgreSQL the
    lock of migrations is shared by writers.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({_LOCK_KEY})")
    version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if version is not None and version > head():
        raise StoreError(
            f"A newer program has migrated the store {shown} to version {version}; this one writes version {head()}.",
            hint="Update Tidzam on this machine, and start the node again.",
            code="store_newer",
        )


def migrate(connection: Connection, shown: str) -> None:
    """Bring a database to the version of this program. The connection may write and is in a transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    version = version_of(connection)
    require_known(version, shown)
    if version != head():
        from alembic import command  # only here: most openings need no migration

        command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration, for work on `connection`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """How a new migration writes an item: a migration must not depend on classes, which change after it."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, UtcTime) else False


@contextmanager
def configure_context(context: Any) -> Iterator[None]:
    """Set up Alembic's context for `migrations/env.py`. The transaction is that of the connection."""
    from tidzam.store import tables  # noqa: F401  makes the tables known to the metadata

    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_item=_render,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    yield
