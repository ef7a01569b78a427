"""The index of clips follows a folder without listing all of it again."""

import os
from pathlib import Path

import pytest

from analyzer.clips.index import ClipIndex

NAME = "pond-out_0_2026-05-01-06-30-{:02}.000.flac"


def add(folder: Path, label: str, number: int) -> Path:
    path = folder / label / NAME.format(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(100))
    return path


def later(folder: Path) -> None:
    """The time of change of a folder as it is some seconds after."""
    changed_ns = folder.stat().st_mtime_ns + 5_000_000_000
    os.utime(folder, ns=(changed_ns, changed_ns))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        add(tmp_path, "owl", number)
    add(tmp_path, "wren", 0)
    add(tmp_path, "site/owl", 0)
    return tmp_path


def test_clips_count_by_class(folder: Path) -> None:
    (folder / "owl" / "notes.txt").touch()
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "a.wav").touch()
    assert ClipIndex(folder).counts == {"owl": 4, "wren": 1}


def test_a_folder_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert ClipIndex(tmp_path / "none").counts == {}


def test_a_clip_that_is_written_counts_without_a_listing(folder: Path) -> None:
    index = ClipIndex(folder)
    listed = index.listed
    path = add(folder, "owl", 9)
    index.add(path.relative_to(folder).as_posix())
    index.refresh()
    assert (index.counts["owl"], index.listed) == (5, listed)


def test_only_the_folder_that_others_changed_is_listed(folder: Path) -> None:
    index = ClipIndex(folder)
    listed = index.listed
    (folder / "owl" / NAME.format(0)).unlink()
    later(folder / "owl")
    index.refresh()
    assert (index.counts, index.listed) == ({"owl": 3, "wren": 1}, listed + 1)


def test_a_folder_that_is_deleted_no_longer_counts(folder: Path) -> None:
    index = ClipIndex(folder)
    (folder / "wren" / NAME.format(0)).unlink()
    (folder / "wren").rmdir()
    later(folder)
    index.refresh()
    assert index.counts == {"owl": 4}


def test_marked_clips_and_those_of_others_are_protected(folder: Path) -> None:
    (folder / "owl" / f"{NAME.format(1)}.keep").touch()
    (folder / "wren" / "my-own.wav").touch()
    protected = sorted(clip.path for clip in ClipIndex(folder).clips if clip.is_protected)
    assert protected == [f"owl/{NAME.format(1)}", "wren/my-own.wav"]


def test_a_clip_is_deleted_with_its_picture(folder: Path) -> None:
    picture = (folder / "wren" / NAME.format(0)).with_suffix(".png")
    picture.touch()
    index = ClipIndex(folder)
    (clip,) = [clip for clip in index.clips if clip.label == "wren"]
    index.delete(clip)
    assert index.counts == {"owl": 4}
    assert list((folder / "wren").iterdir()) == []


def test_the_size_of_a_picture_counts(folder: Path) -> None:
    (folder / "wren" / NAME.format(0)).with_suffix(".png").write_bytes(bytes(50))
    assert [clip.size for clip in ClipIndex(folder).clips if clip.label == "wren"] == [150]


def test_a_clip_that_is_marked_meanwhile_stays(folder: Path) -> None:
    index = ClipIndex(folder)
    (clip,) = [clip for clip in index.clips if clip.label == "wren"]
    (folder / "wren" / f"{NAME.format(0)}.keep").touch()
    index.delete(clip)
    assert (folder / clip.path).exists()
