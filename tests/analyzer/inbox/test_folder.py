"""Which files wait, and in which order."""

from __future__ import annotations

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analyzer.inbox.folder import WaitingFiles, is_being_written
from tidzam.audio.recording_time import TimeRules


def waiting(folder: Path, *names: str, rules: TimeRules | None = None) -> list[str]:
    for name in names:
        (folder / name).write_bytes(b"sound")
    return [file.name for file in WaitingFiles(folder, rules or TimeRules()).scan()]


def test_all_sources_are_merged_by_the_times_in_their_names(tmp_path: Path) -> None:
    names = ["pond-2026-05-01-06-02-00.flac", "attic-2026-05-01-06-03-00.flac", "pond-2026-05-01-06-01-00.flac"]
    assert waiting(tmp_path, *names) == [names[2], names[0], names[1]]


def test_names_of_other_recorders_are_understood(tmp_path: Path) -> None:
    assert (
        waiting(tmp_path, "SITE_20260501_063000.WAV", "pond-2026-05-01-06-01-00.flac")[1] == "SITE_20260501_063000.WAV"
    )


def test_a_name_without_a_time_is_sorted_by_its_last_change(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"sound")
    os.utime(tmp_path / "call.wav", (0, 0))
    assert waiting(tmp_path, "pond-2026-05-01-06-01-00.flac") == ["call.wav", "pond-2026-05-01-06-01-00.flac"]


def test_hidden_files_folders_links_and_marks_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    assert waiting(tmp_path, ".a.wav.part", "a.wav", "a.wav.keep", "Thumbs.db") == ["a.wav"]


def test_what_is_passed_over_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = WaitingFiles(tmp_path, TimeRules())
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / ".hidden").mkdir()
    for _ in range(2):
        assert files.scan() == []
    said = sorted(record.getMessage().split(" ")[0] for record in caplog.records)
    assert said == [str(tmp_path / "link.wav"), str(tmp_path / "pipe.wav")]


def test_the_day_is_that_in_utc(tmp_path: Path) -> None:
    waiting(tmp_path, "pond_20260502_013000.wav")
    (file,) = WaitingFiles(tmp_path, TimeRules(ZoneInfo("Europe/Paris"))).scan()
    assert (file.day, file.source) == ("2026-05-01", "pond")


def test_a_file_that_was_changed_is_another_one(tmp_path: Path) -> None:
    waiting(tmp_path, "a.wav")
    (file,) = WaitingFiles(tmp_path, TimeRules()).scan()
    assert file.is_there
    file.path.write_bytes(b"other sound")
    assert not file.is_there


def test_a_file_that_somebody_writes_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with path.open("wb"):
        assert is_being_written(path)
    assert not is_being_written(path)
    with path.open("rb"):
        assert not is_being_written(path)
