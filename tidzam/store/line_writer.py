"""Writes records that came as lines, one by one if the database refuses one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from tidzam.errors import StoreError
from tidzam.store.database import Store, unreachable
from tidzam.store.records import StoreRecord, decode
from tidzam.store.writer import StoreWriter

BATCH: Final = 1000
"""Records in one transaction at most."""


class LineWriter:
    """Writes lines into the store, where what is written twice is stored once. One thread at a time may use it.

    `changed` makes the record that is written of each one; a ValueError of it refuses the line.
    """

    def __init__(self, store: Store, *, changed: Callable[[StoreRecord], StoreRecord] = lambda record: record) -> None:
        self._writer, self._address, self._changed = StoreWriter(store), store.address, changed

    def write(self, lines: Sequence[str]) -> dict[str, str]:
        """Write all that can be written. Returns the lines that never can be, with the reasons.

        Raises StoreError if the database is away, or refuses everything, such as one that may only be read.
        """
        refused: dict[str, str] = {}
        records: list[tuple[str, StoreRecord]] = []
        for line in lines:
            try:
                records.append((line, self._changed(decode(line))))
            except ValueError as error:
                refused[line] = str(error)
        for first in range(0, len(records), BATCH):
            self._write(records[first : first + BATCH], refused)
        return refused

    def _write(self, records: Sequence[tuple[str, StoreRecord]], refused: dict[str, str]) -> None:
        try:
            self._writer.write([record for _, record in records])
        except StoreError:  # it is away: all are written again later
            raise
        except Exception as error:  # what a record holds must not hold up all that come after it
            if isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError):
                raise unreachable(self._address, error) from error
            if len(records) > 1:
                for one in records:
                    self._write([one], refused)
                return
            refused[records[0][0]] = str(getattr(error, "orig", None) or error)
