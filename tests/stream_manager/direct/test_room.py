"""On a full disk, the oldest files go: those of the first folder first, and no more than needed."""

from __future__ import annotations

from pathlib import Path

from stream_manager.direct.room import make_room


def folder(root: Path, name: str, *seconds: int) -> Path:
    """A folder with recordings of 1000 bytes that began at these seconds, and a file of another kind."""
    made = root / name
    made.mkdir()
    for second in seconds:
        (made / f"pond-2026-05-01-06-30-{second:02d}.flac").write_bytes(bytes(1000))
    (made / "notes.txt").write_text("not a recording")
    return made


def deleted(folders: list[Path], missing_bytes: int) -> list[str]:
    found = make_room(folders, free_bytes=0, wanted_bytes=missing_bytes)
    return [f"{path.parent.name} {path.stem[-2:]}" for path in found]


def test_nothing_is_deleted_while_there_is_room(tmp_path: Path) -> None:
    assert deleted([folder(tmp_path, "parsed", 1, 2)], 0) == []


def test_the_oldest_of_the_first_folder_go_first(tmp_path: Path) -> None:
    folders = [folder(tmp_path, "parsed", 3, 1, 2), folder(tmp_path, "to-parse", 0)]
    assert deleted(folders, 1500) == ["parsed 01", "parsed 02"]


def test_files_of_the_last_folder_go_when_the_others_are_empty(tmp_path: Path) -> None:
    folders = [folder(tmp_path, "parsed", 1), folder(tmp_path, "to-parse", 4, 5)]
    assert deleted(folders, 1001) == ["parsed 01", "to-parse 04"]


def test_files_that_are_no_recordings_stay(tmp_path: Path) -> None:
    parsed = folder(tmp_path, "parsed", 1)
    deleted([parsed, tmp_path / "missing"], 1_000_000)
    assert [path.name for path in parsed.iterdir()] == ["notes.txt"]
