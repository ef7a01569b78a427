"""The store as the receiver of a spool: what it refuses, and what it is tried with."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from tests.support.store import store_settings as store_settings
from tests.support.store_records import detection
from tidzam.config.store import StoreSettings
from tidzam.errors import StoreError
from tidzam.paths import store_folder
from tidzam.spool.delivery import RefusedError
from tidzam.store.database import open_store
from tidzam.store.engine import FILE_NAME
from tidzam.store.receiver import StoreReceiver
from tidzam.store.records import AnalyzerStartRecord, decode, encode
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import NodeRow


async def send(receiver: StoreReceiver, *lines: str) -> None:
    await receiver.connect()
    try:
        await receiver.send(lines, set())
    finally:
        await receiver.disconnect()


def stored(settings: StoreSettings, home: Path) -> int:
    with open_store(settings, home) as store, store.read() as session:
        return session.scalar(select(func.count()).select_from(DetectionRow)) or 0


@pytest.mark.parametrize("line", ["not JSON", '{"kind": "poem"}', '{"kind": "detection", "node": "garden"}'])
def test_a_line_that_is_no_record_is_not_read(line: str) -> None:
    with pytest.raises(ValueError, match="not a record of the store"):
        decode(line)


def test_a_record_is_read_as_it_was_written() -> None:
    record = detection(3, clip="a.flac", level_dbfs=-20.5, channels=({"channel": "pond:out_1", "arrival_ms": None},))
    assert decode(encode(record)) == record


async def test_lines_that_are_no_records_are_refused_and_the_others_stored(
    store_settings: StoreSettings, tmp_path: Path
) -> None:
    lines = (encode(detection(1)), "not JSON", encode(detection(2)))
    with pytest.raises(RefusedError) as caught:
        await send(StoreReceiver(store_settings, tmp_path), *lines)
    assert caught.value.lines == ("not JSON",)
    assert stored(store_settings, tmp_path) == 2


@pytest.mark.parametrize("broken", [{"windows": 2**70}, {"time_zone": "Europe/Atlantis"}])
async def test_a_record_that_cannot_be_stored_does_not_hold_up_the_others(
    store_settings: StoreSettings, tmp_path: Path, broken: dict[str, object]
) -> None:
    line = encode(detection(1, **broken))
    with pytest.raises(RefusedError) as caught:
        await send(StoreReceiver(store_settings, tmp_path), line, encode(detection(2)))
    assert caught.value.lines == (line,)
    assert stored(store_settings, tmp_path) == 1


async def test_a_trial_stores_nothing(store_settings: StoreSettings, tmp_path: Path) -> None:
    said: list[str] = []
    await send(StoreReceiver(store_settings, tmp_path, on_trial=said.append), encode(detection(1)))
    assert stored(store_settings, tmp_path) == 0
    with open_store(store_settings, tmp_path) as store, store.read() as session:
        assert session.scalars(select(NodeRow)).all() == []
    assert "would take" in said[0]


async def test_what_an_analyzer_had_open_when_it_died_is_over_when_it_starts(
    store_settings: StoreSettings, tmp_path: Path
) -> None:
    lines = [encode(detection(1, is_open=True)), encode(detection(2, node="lake", is_open=True))]
    await send(StoreReceiver(store_settings, tmp_path), *lines, encode(AnalyzerStartRecord(node="garden")))
    with open_store(store_settings, tmp_path) as store, store.read() as session:
        assert session.scalars(select(DetectionRow.is_open).order_by(DetectionRow.start)).all() == [False, True]


def rename(settings: StoreSettings, home: Path, table: str, name: str) -> None:
    with open_store(settings, home) as store, store.write() as session:
        session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


async def test_no_record_is_refused_because_the_database_refuses_everything(
    store_settings: StoreSettings, tmp_path: Path
) -> None:
    receiver, line = StoreReceiver(store_settings, tmp_path), encode(detection(1))
    await receiver.connect()
    rename(store_settings, tmp_path, "detections", "away")
    with pytest.raises(StoreError, match="cannot be used"):
        await receiver.send([line], set())
    rename(store_settings, tmp_path, "away", "detections")
    await send(receiver, line)
    assert stored(store_settings, tmp_path) == 1


async def test_no_record_is_refused_because_the_file_is_damaged(tmp_path: Path) -> None:
    receiver = StoreReceiver(StoreSettings(), tmp_path)
    await send(receiver, encode(detection(1)))
    await receiver.connect()
    path = store_folder(tmp_path) / FILE_NAME
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * (path.stat().st_size - 4096))
    try:
        with pytest.raises(StoreError, match="malformed"):
            await receiver.send([encode(detection(2))], set())
    finally:
        await receiver.disconnect()


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
async def test_no_record_is_refused_because_the_database_may_only_be_read(
    store_settings: StoreSettings, tmp_path: Path
) -> None:
    with open_store(store_settings, tmp_path) as store, store.write() as session:
        name = session.scalar(text("SELECT current_database()"))
        session.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    receiver = StoreReceiver(store_settings, tmp_path)
    await receiver.connect()
    with pytest.raises(StoreError, match="read-only"):
        await receiver.send([encode(detection(1))], set())
