"""The store as the receiver of a spool: it takes the lines that programs have left there, in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from tidzam.config.store import StoreSettings
from tidzam.spool.delivery import RefusedError
from tidzam.store.database import Store, open_store
from tidzam.store.engine import address_of, shown
from tidzam.store.records import StoreRecord, decode
from tidzam.store.writer import StoreWriter

BATCH: Final = 1000
"""Records in one transaction at most."""


class StoreReceiver:
    """See SpoolReceiver. `home` is the node's home. `on_sent` is called with each record that was written."""

    def __init__(
        self, settings: StoreSettings, home: Path | None, *, on_sent: Callable[[str], None] | None = None
    ) -> None:
        self._settings, self._home, self._on_sent = settings, home, on_sent
        self._store: Store | None = None
        self._writer: StoreWriter | None = None

    @property
    def shown(self) -> str:
        return f"the store {shown(address_of(self._settings, self._home))}"

    async def connect(self) -> None:
        """Open the store, if it is not open. Raises the errors of `open_store`."""
        if self._store is None:
            self._store = await asyncio.to_thread(open_store, self._settings, self._home)
            self._writer = StoreWriter(self._store)

    async def send(self, lines: Sequence[str], done: set[Hashable]) -> None:
        """Write the lines. Raises StoreError, or RefusedError with those that can never be written."""
        await asyncio.to_thread(self._write, lines)

    def _write(self, lines: Sequence[str]) -> None:
        assert self._writer is not None
        refused: dict[str, str] = {}
        records: list[tuple[str, StoreRecord]] = []
        for line in lines:
            try:
                records.append((line, decode(line)))
            except ValueError as error:
                refused[line] = str(error)
        for first in range(0, len(records), BATCH):
            self._write_batch(self._writer, records[first : first + BATCH], refused)
        if refused:
            raise RefusedError(next(iter(refused.values())), tuple(refused))

    def _write_batch(
        self, writer: StoreWriter, records: Sequence[tuple[str, StoreRecord]], refused: dict[str, str]
    ) -> None:
        """Write records, one by one if the database refuses one of them. Lines that are refused go into `refused`."""
        try:
            writer.write([record for _, record in records])
        except SQLAlchemyError as error:
            if len(records) > 1:
                for one in records:
                    self._write_batch(writer, [one], refused)
                return
            refused[records[0][0]] = str(getattr(error, "orig", None) or error)
            return
        for line, _ in records if self._on_sent else ():
            self._sent(line)

    def _sent(self, line: str) -> None:
        assert self._on_sent is not None
        self._on_sent(f"{self.shown} {line}")

    async def disconnect(self) -> None:
        """Close the store."""
        if self._store is not None:
            await asyncio.to_thread(self._store.close)
            self._store = self._writer = None
