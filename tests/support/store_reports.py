"""A reporter that keeps what a program reports to the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tidzam.config.store import LOCAL_STORE
from tidzam.store.records import StoreRecord
from tidzam.store.reporter import StoreReporter


class CollectingReporter(StoreReporter):
    """Keeps the records in their order, in place of storing them."""

    def __init__(self, home: Path) -> None:
        super().__init__(LOCAL_STORE, home, program="test", node="garden")
        self.records: list[StoreRecord] = []

    def add(self, record: StoreRecord) -> None:
        self.records.append(record)

    def add_made(self, make: Callable[[], StoreRecord | None]) -> None:
        if (record := make()) is not None:
            self.records.append(record)
