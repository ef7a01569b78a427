"""The store as the receiver of a spool: it takes the lines that programs have left there, in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Final

from tidzam.config.store import StoreSettings
from tidzam.errors import StoreError
from tidzam.paths import spool_folder
from tidzam.spool.delivery import RefusedError
from tidzam.spool.spooled import SpooledDelivery, folder_of
from tidzam.store.database import Store, open_store
from tidzam.store.engine import address_of, shown
from tidzam.store.line_writer import BATCH, LineWriter
from tidzam.store.tables.places import NodeRow

_TRIAL: Final = "tidzam store trial"
"""No name of a node: it has blanks."""

WRITERS: Final = ("analyzer", "stream_manager")
"""The programs of a node that write into the store, each with a spool of its own."""


def spool_of(settings: StoreSettings, home: Path | None, program: str) -> Path:
    """The folder in which the records of a program wait. The address of the store is not in its name: when that is
    corrected, what waits goes to the new one."""
    return folder_of(settings, home=home, name=_name(program), identity=None)


def former_spools(settings: StoreSettings, home: Path | None, program: str) -> Sequence[Path]:
    """Other folders in which records of a program may wait: the default one if the settings name another, and those of
    earlier versions, with a digest of the address of the store in their names."""
    default = spool_folder(home) / _name(program)
    found = sorted(default.parent.glob(f"{default.name}-{'[0-9a-f]' * 8}"))
    return [default, *found] if settings.spool is not None else found


def store_delivery(settings: StoreSettings, home: Path | None, program: str) -> SpooledDelivery:
    """What takes the records of a program to the store, to be opened with a `StoreReceiver`."""
    former = former_spools(settings, home, program)
    return SpooledDelivery(settings, home=home, name=_name(program), identity=None, file_lines=BATCH, former=former)


def _name(program: str) -> str:
    return f"store-{program}"


class StoreReceiver:
    """See SpoolReceiver. `home` is the node's home. With `on_trial`, nothing is written: it is called with what would
    be, after the database has been tried."""

    def __init__(
        self, settings: StoreSettings, home: Path | None, *, on_trial: Callable[[str], None] | None = None
    ) -> None:
        self._settings, self._home, self._on_trial = settings, home, on_trial
        self._store: Store | None = None
        self._writer: LineWriter | None = None

    @property
    def shown(self) -> str:
        return f"the store {shown(address_of(self._settings, self._home))}"

    async def connect(self) -> None:
        """Open the store, if it is not open. Raises the errors of `open_store`."""
        if self._store is None:
            self._store = await asyncio.to_thread(open_store, self._settings, self._home)
            self._writer = LineWriter(self._store)

    async def send(self, lines: Sequence[str], done: set[Hashable]) -> None:
        """Write the lines. Raises StoreError, or RefusedError with those that can never be written.

        After a StoreError, `connect` opens the store again.
        """
        try:
            await asyncio.to_thread(self._write, lines)
        except StoreError:
            await self.disconnect()
            raise

    def _write(self, lines: Sequence[str]) -> None:
        if self._on_trial is not None:
            self._try(lines)
            return
        assert self._writer is not None
        refused = self._writer.write(lines)
        if refused:
            raise RefusedError(next(iter(refused.values())), tuple(refused))

    def _try(self, lines: Sequence[str]) -> None:
        """Find out whether the database would take a record."""
        assert self._store is not None
        assert self._on_trial is not None
        with self._store.write() as session:
            session.add(NodeRow(name=_TRIAL))
            session.flush()
            session.rollback()
        for line in lines:
            self._on_trial(f"{self.shown} would take {line}")

    async def disconnect(self) -> None:
        """Close the store."""
        if self._store is not None:
            await asyncio.to_thread(self._store.close)
            self._store = self._writer = None
