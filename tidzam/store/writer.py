"""Writes what a program has reported into the store: a batch is one transaction, and may be written again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tidzam.store.audit import write_audit
from tidzam.store.database import Store
from tidzam.store.detection_writer import DetectionWriter
from tidzam.store.lookups import NameTables
from tidzam.store.recording_writer import remove_recordings, write_gaps, write_loaded, write_recordings
from tidzam.store.records import (
    AnalyzerStartRecord,
    AuditRecord,
    DetectionRecord,
    GapRecord,
    RecordingRecord,
    RemovedRecordingsRecord,
    StoreRecord,
)


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
        self._names.learn_nodes(self._store, {record.node for record in records})
        self._detections.learn(self._store, [one for one in records if isinstance(one, DetectionRecord)])
        of_sources = [one for one in records if isinstance(one, RecordingRecord | RemovedRecordingsRecord)]
        self._names.learn_sources(self._store, ((one.node, one.source) for one in of_sources))
        with self._store.write() as session:
            for kind, group in groupby(records, key=type):
                self._write_kind(session, kind, list(group))

    def _write_kind(self, session: Session, kind: type[StoreRecord], records: Sequence[Any]) -> None:
        """Write records of one kind that follow one another."""
        if kind is DetectionRecord:
            self._detections.write(session, records)
        elif kind is AnalyzerStartRecord:
            for node in {record.node for record in records}:
                self._detections.end_all(session, node)
        elif kind is RecordingRecord:
            write_recordings(session, self._names, records)
        elif kind is RemovedRecordingsRecord:
            remove_recordings(session, self._names, records)
        elif kind is AuditRecord:
            write_audit(session, records)
        elif kind is GapRecord:
            write_gaps(session, self._names, records)
        else:
            write_loaded(session, self._names, records)
