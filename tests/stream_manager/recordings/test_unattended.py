"""Which recordings are deleted although nobody records their source."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from stream_manager.recorder.control import RecordingControl
from stream_manager.recordings.deletions import DeletionCounts
from stream_manager.recordings.reports import RecordingReports
from stream_manager.recordings.unattended import UnattendedRecordings, unattended
from tests.support.services import source_settings
from tests.support.store_reports import CollectingReporter
from tidzam.config import SourceSettings
from tidzam.config.recording import DefaultRecordSettings, KeepSettings, RecordSettings
from tidzam.keep_marks import mark_of
from tidzam.store.records import RemovedRecordingsRecord

FOLDER = Path("/srv/recordings")
DEFAULT = DefaultRecordSettings(path=FOLDER, keep=KeepSettings(max_gb=20))
OWN = RecordSettings(path=Path("/srv/archive"), keep=KeepSettings(days=90))


def chosen(
    names: Collection[str],
    *profile: SourceSettings,
    retained: Collection[str] = (),
    default: DefaultRecordSettings = DEFAULT,
) -> dict[str, RecordSettings]:
    return dict(unattended(names, profile, default, retained=retained))


def test_recordings_of_a_source_that_was_removed_go_as_the_default_says() -> None:
    assert chosen({"microphone", "pond"}, retained={"pond"}) == {"microphone": DEFAULT}


def test_a_source_of_the_profile_without_a_recorder_has_its_own_settings() -> None:
    pond = source_settings("pond", record=OWN)
    assert chosen((), pond) == {"pond": OWN}
    assert chosen((), pond, retained={"pond"}) == {}


def test_what_a_source_with_its_own_settings_has_in_the_default_folder_stays() -> None:
    pond = source_settings("pond", record={"path": OWN.path})
    assert chosen({"pond"}, pond) == {}


@pytest.mark.parametrize("name", ["pond", "old-pond"])
def test_recordings_that_the_profile_only_plays_again_stay(name: str) -> None:
    settings: dict[str, Any] = {"database_prefix": "old-pond"} if name == "old-pond" else {}
    assert chosen({name}, source_settings("pond", path_database=FOLDER, **settings)) == {}
    assert chosen({name}, source_settings("pond", path_database=Path("/mnt/audio"), **settings)) == {name: DEFAULT}


def test_what_has_no_name_of_a_source_stays() -> None:
    assert chosen({"tidzam-livestreams", "a b", "pond-rec"}) == {}


def test_without_limits_nothing_goes() -> None:
    unlimited = DefaultRecordSettings(path=FOLDER)
    assert chosen({"creek"}, source_settings("pond", record={"path": FOLDER}), default=unlimited) == {}


def make(folder: Path, source: str, count: int = 3) -> list[Path]:
    """Recordings of 1 kB, the oldest first."""
    paths = [folder / f"{source}-2026-05-01-06-{minute}-00.flac" for minute in range(10, 10 + count)]
    for path in paths:
        path.write_bytes(bytes(1000))
    return paths


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.flac")}


def limited(folder: Path) -> DefaultRecordSettings:
    """Two recordings of a source may stay."""
    return DefaultRecordSettings(path=folder, keep=KeepSettings(max_gb=2.5e-6))


async def test_the_oldest_recordings_of_each_removed_source_are_deleted_and_reported(tmp_path: Path) -> None:
    creek, wren = make(tmp_path, "creek"), make(tmp_path, "wren")
    reporter = CollectingReporter(tmp_path)
    reports = RecordingReports(reporter, DeletionCounts())
    await UnattendedRecordings((), limited(tmp_path), RecordingControl(), reports).apply()
    assert names(tmp_path) == {path.name for path in (*creek[1:], *wren[1:])}
    gone = [one.paths for one in reporter.records if isinstance(one, RemovedRecordingsRecord)]
    assert sorted(gone) == [(str(creek[0]),), (str(wren[0]),)]


async def test_marked_recordings_stay_and_others_go_in_their_place(tmp_path: Path) -> None:
    creek = make(tmp_path, "creek")
    mark_of(creek[0]).touch()
    await UnattendedRecordings((), limited(tmp_path), RecordingControl()).apply()
    assert names(tmp_path) == {creek[0].name, creek[2].name}


async def test_recordings_of_a_source_with_a_recorder_are_left_to_it(tmp_path: Path) -> None:
    make(tmp_path, "creek")
    control = RecordingControl()
    retention = UnattendedRecordings((), limited(tmp_path), control)
    with control.retaining("creek"):
        await retention.apply()
        assert len(names(tmp_path)) == 3
    await retention.apply()
    assert len(names(tmp_path)) == 2


async def test_held_recordings_and_recordings_of_days_count(tmp_path: Path) -> None:
    creek = make(tmp_path, "creek", 2)
    held = creek[0].rename(tmp_path / f".{creek[0].name}.held")
    (tmp_path / "2026-05-01").mkdir()
    (segment,) = make(tmp_path / "2026-05-01", "creek", 1)
    segment = segment.rename(segment.with_name("creek-2026-05-01-07-00-00.flac"))
    await UnattendedRecordings((), limited(tmp_path), RecordingControl()).apply()
    assert not held.exists()
    assert segment.exists()


async def test_what_cannot_be_deleted_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "creek-2026-05-01-06-10-00.flac").write_bytes(bytes(1000))
    (tmp_path / "segments.sqlite").write_text("no database")
    settings = DefaultRecordSettings(path=tmp_path, keep=KeepSettings(max_gb=1e-9))
    retention = UnattendedRecordings((), settings, RecordingControl())
    await retention.apply()
    await retention.apply()
    assert caplog.text.count("recordings cannot be deleted: creek: ") == 1


async def test_dates_that_look_wrong_are_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "creek-9000-01-01-00-00-00.flac").touch()
    retention = UnattendedRecordings((), limited(tmp_path), RecordingControl())
    await retention.apply()
    await retention.apply()
    assert caplog.text.count("creek: 1 recording is dated after the present") == 1


async def test_without_a_folder_there_is_nothing_to_do(tmp_path: Path) -> None:
    await UnattendedRecordings((), limited(tmp_path / "missing"), RecordingControl()).apply()
    assert not (tmp_path / "missing").exists()
