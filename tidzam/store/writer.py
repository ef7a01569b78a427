"""Writes what a program has reported into the store: a batch is one transaction, and may be written again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError

from tidzam.store.database import Store
from tidzam.store.detection_writer import DetectionWriter
from tidzam.store.lookups import NameTables
from tidzam.store.records import StoreRecord


class StoreWriter:
    """Writes records. One thread at a time may use it."""

    def __init__(self, store: Store) -> None:
        self._store, self._names = store, NameTables()
        self._detections = DetectionWriter(self._names)

    def write(self, records: Sequence[StoreRecord]) -> None:
        """Write all or none of them. Raises StoreError (`store_unreachable`) if the database is away, and the errors
        of SQLAlchemy if it refuses a record."""
        try:
            self._write(records)
        except IntegrityError:  # names that were known are gone: the database was replaced by another one
            self._names.forget()
            self._write(records)

    def _write(self, records: Sequence[StoreRecord]) -> None:
        self._detections.learn(self._store, records)
        with self._store.write() as session:
            self._detections.write(session, records)
