"""Names of files in a folder of recordings, and who may write there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stream_manager.recorder import folder as folder_module
from stream_manager.recorder.folder import RecordingFolder, day_folders, held_files, recording_files, release

START_S = 1_700_000_000  # 2023-11-14 22:13:20 UTC


@pytest.mark.parametrize(("by_day", "home"), [(False, "."), (True, "2023-11-14")])
def test_a_file_is_hidden_until_it_is_published(tmp_path: Path, by_day: bool, home: str) -> None:
    folder = RecordingFolder(tmp_path, "pond", ".flac", by_day=by_day)
    part = folder.new_part(START_S)
    assert part == tmp_path / home / ".pond-2023-11-14-22-13-20.flac.part"
    part.touch()
    assert folder.publish(part) == tmp_path / home / "pond-2023-11-14-22-13-20.flac"
    assert not part.exists()


def test_an_existing_recording_is_never_replaced(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path, "pond", ".flac")
    finals = []
    for content in ("first", "second", "third"):
        part = folder.new_part(START_S)
        part.write_text(content)
        finals.append(folder.publish(part))
    assert [final.read_text() for final in finals] == ["first", "second", "third"]
    assert finals[2].name == "pond-2023-11-14-22-13-20.002.flac"


def test_two_files_in_progress_have_different_names(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path, "pond", ".flac")
    first = folder.new_part(START_S)
    first.touch()
    assert folder.new_part(START_S) != first


def test_a_second_recorder_of_a_source_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "_LOCK_TIMEOUT_S", 0.2)
    lock = RecordingFolder(tmp_path, "pond", ".flac").lock()
    os.close(RecordingFolder(tmp_path, "lake", ".flac").lock())
    with pytest.raises(TimeoutError, match="another process records pond"):
        RecordingFolder(tmp_path, "pond", ".flac").lock()
    os.close(lock)
    os.close(RecordingFolder(tmp_path, "pond", ".flac").lock())


def test_the_end_of_the_newest_file_is_known_complete_or_not(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path, "pond", ".flac")
    assert folder.ended_s() is None
    for name, end_s in (
        ("pond-2023-11-14-22-13-20.flac", 1000),
        (".pond-2023-11-14-22-13-30.flac.part", 2000),
        ("pond-2023-11-14-22-13-25.flac", 3000),
        ("pond-east-2023-11-15-22-13-25.flac", 4000),
    ):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (end_s, end_s))
    assert folder.ended_s() == 2000


def test_files_are_listed_with_those_of_days_but_without_those_set_aside(tmp_path: Path) -> None:
    for name in ("a.wav", "2023-11-14/b.wav", "set-aside/c.wav", "2023-11-14/deeper/d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(entry.name for entry in recording_files(tmp_path)) == ["a.wav", "b.wav"]
    assert [day.name for day in day_folders(tmp_path)] == ["2023-11-14"]


def test_a_complete_file_is_still_hidden_while_it_is_held(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path, "pond", ".flac", is_held=True)
    part = folder.new_part(START_S)
    part.touch()
    held = folder.publish(part)
    assert held == tmp_path / ".pond-2023-11-14-22-13-20.flac.held"
    assert held_files(tmp_path) == [held]
    assert release(held) == tmp_path / "pond-2023-11-14-22-13-20.flac"


def test_an_unusable_file_that_stays_hidden_replaces_no_other(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path, "pond", ".flac", is_held=True)
    part, aside = tmp_path / ".pond-2023-11-14-22-13-20.flac.part", []
    for content in ("first", "second", "third"):
        part.write_text(content)
        aside.append(folder.set_aside(part, "it is broken"))
    assert [path.read_text() for path in aside] == ["first", "second", "third"]
    assert all(path.name.startswith(".") for path in aside)


def test_a_held_file_is_no_leftover_and_keeps_its_name(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path, "pond", ".flac", is_held=True)
    for _ in range(2):
        part = folder.new_part(START_S)
        part.touch()
        folder.publish(part)
    assert folder.leftovers() == []
    assert [release(held).name for held in held_files(tmp_path)] == [
        "pond-2023-11-14-22-13-20.001.flac",
        "pond-2023-11-14-22-13-20.flac",
    ]
