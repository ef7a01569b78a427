"""Recordings and gaps in the store: once each, as they were last reported, and by way of a reporter."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.eventually import eventually_async
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.config.store import LOCAL_STORE, StoreSettings
from tidzam.gaps import GapLedger, GapReason
from tidzam.gaps.records import Gap, Loaded
from tidzam.store.database import Store, open_store
from tidzam.store.records import AuditRecord, GapRecord, RecordingRecord, RemovedRecordingsRecord
from tidzam.store.reporter import StoreReporter, stored_gap
from tidzam.store.tables.accounts import AuditRow
from tidzam.store.tables.recordings import GapRow, LoadedRow, RecordingRow
from tidzam.store.writer import StoreWriter

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def recording(path: str = "/a.flac", **changes: Any) -> RecordingRecord:
    values = {"node": "garden", "source": "pond", "path": path, "start": START, "end": START + timedelta(minutes=10)}
    return RecordingRecord(**({**values, "channels": 4, "bytes": 1000, "max_amp": 0.5} | changes))


def recordings(store: Store) -> Sequence[RecordingRow]:
    with store.read() as session:
        return session.scalars(select(RecordingRow).order_by(RecordingRow.path)).all()


def test_a_recording_that_is_reported_again_is_one_row(store: Store) -> None:
    writer = StoreWriter(store)
    writer.write([recording(), recording(bytes=2000), recording("/b.flac")])
    writer.write([recording(bytes=3000, max_amp=None)])
    assert [(row.path, row.bytes, row.max_amp) for row in recordings(store)] == [
        ("/a.flac", 3000, 0.5),
        ("/b.flac", 1000, 0.5),
    ]


def test_removed_recordings_are_removed_from_their_source_only(store: Store) -> None:
    removed = RemovedRecordingsRecord(node="garden", source="pond", paths=("/a.flac", "/c.flac"))
    StoreWriter(store).write([recording(), recording("/b.flac"), recording(source="lake"), removed])
    assert [row.path for row in recordings(store)] == ["/a.flac", "/b.flac"]


def test_many_recordings_are_removed_at_once(store: Store) -> None:
    """More than a statement may have parameters."""
    paths = (*(f"/{number}.flac" for number in range(70_000)), "/a.flac")
    removed = RemovedRecordingsRecord(node="garden", source="pond", paths=paths)
    StoreWriter(store).write([recording(), recording("/b.flac"), removed])
    assert [row.path for row in recordings(store)] == ["/b.flac"]


def gap(seconds: int = 0, **changes: Any) -> GapRecord:
    start = START + timedelta(seconds=seconds)
    values = {"node": "garden", "channel": "pond", "reason": "xrun", "start": start, "end": start}
    return GapRecord(**(values | changes))


def test_a_gap_that_is_reported_again_is_one_row(store: Store) -> None:
    writer = StoreWriter(store)
    writer.write([gap(), gap(1)])
    writer.write([gap(1), gap(1, reason="silence"), gap(1, node="lake")])
    with store.read() as session:
        assert len(session.scalars(select(GapRow)).all()) == 4


def test_records_of_the_ledger_keep_what_they_state() -> None:
    end = START + timedelta(seconds=3)
    assert stored_gap(Gap("pond:out_0", START, end, GapReason.SILENCE, 2), "garden") == GapRecord(
        node="garden", channel="pond:out_0", reason="silence", start=START, end=end, count=2
    )
    assert stored_gap(Loaded("pond", 4, START, end), "garden").model_dump()["channels"] == 4


async def started(reporter: StoreReporter) -> asyncio.Task[Any]:
    """The task of a reporter that has opened its spool."""
    task = asyncio.create_task(reporter.run())
    await eventually_async(lambda: reporter.is_open)
    return task


async def ended(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_gaps_of_a_ledger_come_into_the_store(tmp_path: Path) -> None:
    reporter = StoreReporter(LOCAL_STORE, tmp_path, program="stream_manager", node="garden")
    ledger = GapLedger(tmp_path / "gaps", writer="stream_manager", on_record=reporter.add_gap)
    task = await started(reporter)
    ledger.load("pond", 4)
    ledger.record(Gap("pond", START, START + timedelta(minutes=1), GapReason.SOURCE_DOWN))
    ledger.unload("pond")
    ledger.close(keep=False)
    await ended(task)
    with open_store(LOCAL_STORE, tmp_path) as store, store.read() as session:
        assert [row.reason for row in session.scalars(select(GapRow))] == ["source_down"]
        assert [(row.source, row.channels) for row in session.scalars(select(LoadedRow))] == [("pond", 4)]


async def test_what_a_reporter_could_not_store_is_stored_by_the_next_one(tmp_path: Path) -> None:
    away = StoreSettings(url="postgresql://127.0.0.1:1/none", spool=tmp_path / "spool")
    reporter = StoreReporter(away, tmp_path, program="stream_manager", node="garden")
    task = asyncio.create_task(reporter.run())
    reporter.add(recording())
    await eventually_async(lambda: list((tmp_path / "spool").glob("*.lines")))
    await ended(task)
    here = StoreSettings(spool=tmp_path / "spool", collect_s=0)
    task = asyncio.create_task(StoreReporter(here, tmp_path, program="stream_manager", node="garden").run())
    with open_store(here, tmp_path) as store:
        await eventually_async(lambda: recordings(store))
    await ended(task)


async def test_a_record_that_cannot_be_made_does_not_keep_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reporter = StoreReporter(LOCAL_STORE, tmp_path, program="stream_manager", node="garden")
    task = await started(reporter)
    reporter.add_made(lambda: recording(channels="many"))
    reporter.add_made(lambda: None)
    reporter.add_made(recording)
    await ended(task)
    assert "cannot be made" in caplog.text
    with open_store(LOCAL_STORE, tmp_path) as store:
        assert [row.path for row in recordings(store)] == ["/a.flac"]


async def test_what_could_not_be_written_to_disk_is_written_when_the_disk_works_again(tmp_path: Path) -> None:
    settings = StoreSettings(spool=tmp_path / "spool", collect_s=0)
    reporter = StoreReporter(settings, tmp_path, program="stream_manager", node="garden")
    with open_store(settings, tmp_path) as store:
        task = await started(reporter)
        shutil.rmtree(tmp_path / "spool")
        (tmp_path / "spool").write_text("a file in place of the folder")
        reporter.add(recording())
        await eventually_async(lambda: not reporter.is_open)
        (tmp_path / "spool").unlink()
        await eventually_async(lambda: recordings(store))
        await ended(task)
        assert [row.path for row in recordings(store)] == ["/a.flac"]


def test_a_change_that_is_reported_twice_is_one_row_of_the_audit_log(store: Store) -> None:
    change = AuditRecord(
        node="marsh",
        time=datetime(2026, 5, 1, 6, 30, tzinfo=UTC),
        actor="client",
        address="192.0.2.7",
        action="source.added",
        subject="pond",
        detail={"url": "http://station.example/pond.ogg"},
    )
    writer = StoreWriter(store)
    writer.write([change, change])
    writer.write([change])
    with store.read() as session:
        (row,) = session.scalars(select(AuditRow)).all()
    assert (row.actor, row.address, row.subject) == ("client", "192.0.2.7", "pond")
