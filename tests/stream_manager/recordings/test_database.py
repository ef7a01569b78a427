"""A folder of recordings, read and followed."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

import pytest

from stream_manager.recordings import database as database_module
from stream_manager.recordings.database import DatabaseOptions, RecordingDatabase
from tests.support.eventually import eventually_async
from tests.support.recordings import START, chirp, write_recording
from tidzam.audio.ogg_length import AudioLength
from tidzam.config import SourceSettings

pytestmark = pytest.mark.timeout(30)


def options(folder: Path | None, **changes: object) -> DatabaseOptions:
    settings = SourceSettings.model_validate({"name": "pond", "url": "x.wav", "path_database": folder, **changes})
    found = DatabaseOptions.of(settings)
    assert found is not None
    return found


@asynccontextmanager
async def followed(folder: Path | None, **changes: object) -> AsyncIterator[RecordingDatabase]:
    """A database that has read its folder."""
    database = RecordingDatabase(options(folder, **changes))
    running = asyncio.create_task(database.run())
    try:
        await database.ready.wait()
        yield database
    finally:
        running.cancel()
        await asyncio.wait([running])


def empty(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


async def test_recordings_are_measured_and_foreign_files_are_ignored_and_counted(tmp_path: Path) -> None:
    write_recording(tmp_path, chirp(0.0, 2.0))
    write_recording(tmp_path, chirp(0.0, 1.0), 2, suffix="flac")
    empty(tmp_path, "notes.txt", "lake-2026-05-01-06-30-00.wav", ".pond-2026-05-01-06-30-00.wav.part")
    (tmp_path / "pond-2026-05-01-07-30-00.wav").mkdir()
    async with followed(tmp_path) as database:
        await database.measured.wait()
        assert database.index.periods(join_s=1.0) == [(START.timestamp(), START.timestamp() + 3)]
        assert (len(database.index), database.ignored, database.channels) == (2, 2, 1)


async def test_names_may_begin_with_that_of_the_folder(tmp_path: Path) -> None:
    empty(tmp_path / "mc", "mc-2026-05-01-06-30-00.ogg", "pond-2026-05-01-06-40-00.ogg", "x-2026-05-01-06-40-00.ogg")
    async with followed(tmp_path / "mc") as database:
        assert len(database.index) == 2


async def test_a_prefix_of_the_settings_replaces_other_names(tmp_path: Path) -> None:
    empty(tmp_path, "old-2026-05-01-06-30-00.ogg", "pond-2026-05-01-06-40-00.ogg")
    async with followed(tmp_path, database_prefix="old") as database:
        assert [one.file_name for one in database.index] == ["old-2026-05-01-06-30-00.ogg"]


async def test_the_time_zone_of_names_is_that_of_the_settings(tmp_path: Path) -> None:
    empty(tmp_path, "pond-2026-07-01-08-00-00.wav")
    async with followed(tmp_path, database_time_zone="Europe/Berlin") as database:
        (recording,) = database.index
    assert recording.start_s == START.replace(month=7, hour=6, minute=0, tzinfo=UTC).timestamp()


async def test_a_fixed_length_is_used_without_opening_all_files(tmp_path: Path) -> None:
    empty(tmp_path, *(f"pond-2026-05-01-06-{minute:02}-00.wav" for minute in range(0, 50, 10)))
    opened: list[Path] = []

    def measure(path: Path) -> AudioLength | None:
        opened.append(path)
        return AudioLength(1.0, 4, 44100)

    database = RecordingDatabase(options(tmp_path, database_file_length=600), measure=measure)
    running = asyncio.create_task(database.run())
    await database.measured.wait()
    running.cancel()
    assert len(opened) == 1
    assert database.channels == 4


async def test_new_moved_and_removed_recordings_are_followed_without_reading_the_folder_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "pond", tmp_path / "elsewhere"
    empty(folder, "pond-2026-05-01-06-00-00.wav")
    async with followed(folder) as database:
        monkeypatch.setattr(database_module, "file_names", lambda folder: pytest.fail("read again"))
        written = write_recording(folder, chirp(0.0, 1.0))
        await eventually_async(lambda: database.index.lengths_s.get(written.name) == 1.0)
        moved = write_recording(elsewhere, chirp(0.0, 1.5), 60)
        moved.rename(folder / moved.name)
        await eventually_async(lambda: database.index.lengths_s.get(moved.name) == 1.5)
        (folder / "pond-2026-05-01-06-00-00.wav").unlink()
        (folder / "notes.txt").touch()
        await eventually_async(lambda: (len(database.index), database.ignored) == (2, 1))


async def test_a_folder_that_is_missing_is_reported_and_followed_once_it_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "RETRY_S", 0.05)
    async with followed(tmp_path / "late") as database:
        assert database.fault == "No such file or directory"
        write_recording(tmp_path / "late", chirp(0.0, 1.0))
        await eventually_async(lambda: len(database.index) == 1)
        assert database.fault is None


async def test_a_recorder_that_has_not_begun_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "RETRY_S", 0.05)
    folder = tmp_path / "later"
    async with followed(None, record={"path": folder}) as database:
        assert (database.fault, len(database.index)) == (None, 0)
        write_recording(folder, chirp(0.0, 1.0))
        await eventually_async(lambda: len(database.index) == 1)


async def test_a_folder_that_is_replaced_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "RETRY_S", 0.05)
    folder = tmp_path / "pond"
    empty(folder, "pond-2026-05-01-06-00-00.wav")
    async with followed(folder) as database:
        shutil.rmtree(folder)
        await eventually_async(lambda: database.fault is not None)
        empty(folder, "pond-2026-05-01-07-00-00.wav", "pond-2026-05-01-08-00-00.wav")
        await eventually_async(lambda: database.fault is None and len(database.index) == 2)


async def test_changes_of_another_machine_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a network file system: the folder changes, and nothing reports it."""
    names = ["pond-2026-05-01-06-00-00.wav"]
    monkeypatch.setattr(database_module, "CHECK_S", 0.02)
    monkeypatch.setattr(database_module, "file_names", lambda folder: names)
    times = iter(range(3))
    monkeypatch.setattr(database_module, "changed_at", lambda folder: next(times, 3))
    async with followed(tmp_path) as database:
        names.append("pond-2026-05-01-07-00-00.wav")
        await eventually_async(lambda: len(database.index) == 2)


async def test_a_file_that_is_no_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "pond").touch()
    async with followed(tmp_path / "pond") as database:
        assert database.fault == os.strerror(20)


async def test_a_hundred_thousand_files_are_indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [divmod(number, 3600) for number in range(100_000)]
    names = [f"pond-2026-05-01-{hour:02}-{rest // 60:02}-{rest % 60:02}.wav" for hour, rest in seconds]
    monkeypatch.setattr(database_module, "file_names", lambda folder: names)
    async with followed(tmp_path, database_file_length=1) as database:
        assert (len(database.index), database.ignored) == (24 * 3600, 100_000 - 24 * 3600)
