"""Opening the store: every program does so here, and the first one creates or migrates it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.orm import Session

from tidzam.config.store import StoreSettings
from tidzam.errors import StoreError
from tidzam.store.engine import WRITES, address_of, make_engine, shown
from tidzam.store.migrate import head, migrate, require_known, require_unchanged, version_of


class Store:
    """The store, open. It may be used from any thread, each with a session of its own.

    `address` is shown to people and holds no password. `engine` is for reading, `writing_engine` for transactions that
    write.
    """

    def __init__(self, engine: Engine, address: str) -> None:
        self.engine, self.address = engine, address
        self.writing_engine = engine.execution_options(**{WRITES: True})

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading. Raises StoreError (`store_unreachable`) if the database is away."""
        with self._errors_named(), Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose transaction is committed at the end, or rolled back after an exception.

        Rows that it has loaded may still be read afterwards. Raises StoreError (`store_unreachable`, or `store_newer`
        if a newer program has migrated the database meanwhile).
        """
        with self._errors_named(), Session(self.writing_engine, expire_on_commit=False) as session, session.begin():
            require_unchanged(session.connection(), self.address)
            yield session

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            self._require_not_newer(error)
            if _is_away(error):
                raise unreachable(self.address, error) from error
            raise

    def _require_not_newer(self, error: DBAPIError) -> None:
        """Raises StoreError (`store_newer`) if a statement failed because a newer program has migrated the database."""
        may_be = isinstance(error, ProgrammingError) or (self.is_sqlite and isinstance(error, OperationalError))
        if not may_be:
            return
        with suppress(SQLAlchemyError), self.engine.connect() as connection:
            require_unchanged(connection, self.address)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(settings: StoreSettings, home: Path | None = None) -> Store:
    """Open the store, created or migrated if needed. `home` is the node's, None for the default one.

    Raises StoreError (`store_unreachable`, `store_newer`), SetupError and ConfigError (`secret`).
    """
    address = shown(address_of(settings, home))
    try:
        store = Store(make_engine(settings, home), address)
    except OSError as error:
        raise unreachable(address, error) from None
    try:
        _bring_up_to_date(store)
    except (SQLAlchemyError, OSError) as error:
        store.close()
        raise unreachable(address, error) from error
    except BaseException:
        store.close()
        raise
    return store


def _bring_up_to_date(store: Store) -> None:
    with _lock_of_file(store), store.engine.connect() as connection:
        version = version_of(connection)
    require_known(version, store.address)
    if version != head():
        with store.writing_engine.begin() as connection:
            migrate(connection, store.address)


@contextmanager
def _lock_of_file(store: Store) -> Iterator[None]:
    """Exclude other programs while an SQLite file may be made: they do not wait when one changes its mode to WAL."""
    name = store.engine.url.database
    if not store.is_sqlite or name is None:
        yield
        return
    with Path(name).with_name(".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_away(error: DBAPIError) -> bool:
    """Whether the database cannot be used at present, rather than refuses a statement."""
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def unreachable(address: str, error: Exception) -> StoreError:
    """The error of a database that does not answer, cannot be used or fails while it is migrated."""
    cause = getattr(error, "orig", None) or error
    reason = next(iter(str(cause).splitlines()), type(cause).__name__)
    return StoreError(
        f"The store {address} cannot be used: {reason.rstrip('.')}.",
        hint="Check that the database runs, and the settings in store.",
        code="store_unreachable",
    )
