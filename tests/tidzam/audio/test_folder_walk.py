"""What is found in folders, what is passed over without a word, and what is named as left out."""

import os
from pathlib import Path

import pytest

from tidzam.audio.folder_walk import remarks, walk
from tidzam.clips import find_clips
from tidzam.errors import DatasetError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


SUFFIXES = ["wav", "AAC", "mp4", "3gp", "webm", "wma", "oga", "caf", "au", "w64", "wv", "mka", "aifc", "mp2", "ac3"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_audio_file_of_any_format_is_not_ignored(tmp_path: Path, suffix: str) -> None:
    path = touch(tmp_path / "frog" / f"a.{suffix}")
    assert [clip.path for clip in find_clips(tmp_path)] == [path]


def test_a_link_to_a_folder_inside_a_class_is_followed(tmp_path: Path) -> None:
    path = touch(tmp_path / "elsewhere" / "b.wav")
    touch(tmp_path / "data" / "frog" / "a.wav")
    (tmp_path / "data" / "frog" / "more").symlink_to(path.parent)
    found = find_clips(tmp_path / "data")
    assert [clip.path.name for clip in found] == ["a.wav", "b.wav"]
    assert not found.remarks


@pytest.mark.parametrize("target", [".", "..", "../..", "/"])
def test_a_link_that_leads_back_ends_no_walk_and_brings_no_other_class_in(tmp_path: Path, target: str) -> None:
    touch(tmp_path / "data" / "frog" / "a.wav")
    touch(tmp_path / "data" / "rain" / "b.wav")
    (tmp_path / "data" / "frog" / "back").symlink_to(target)
    found = find_clips(tmp_path / "data")
    assert [(clip.label, clip.path.name) for clip in found] == [("frog", "a.wav"), ("rain", "b.wav")]
    assert found.remarks == ("left out (links to folders that are read already, or that contain them): frog/back",)


def test_a_class_that_links_to_the_folder_of_classes_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "frog" / "a.wav")
    (tmp_path / "all").symlink_to(tmp_path)
    found = find_clips(tmp_path)
    assert [clip.label for clip in found] == ["frog"]
    assert found.empty == ("all",)


def test_system_files_are_not_classes(tmp_path: Path) -> None:
    touch(tmp_path / "frog" / "a.wav")
    for name in ("__MACOSX/frog/._a.wav", ".DS_Store", "frog/._a.wav", "frog/.DS_Store", "frog/Thumbs.db"):
        touch(tmp_path / name)
    for name in ("frog/desktop.ini", "frog/@eaDir/a.wav", "frog/.hidden/b.wav", "System Volume Information/x.wav"):
        touch(tmp_path / name)
    found = find_clips(tmp_path)
    assert [clip.path.name for clip in found] == ["a.wav"]
    assert not found.empty
    assert not found.remarks


def test_what_is_left_out_is_named_or_counted(tmp_path: Path) -> None:
    touch(tmp_path / "frog" / "a.wav")
    for number in range(5):
        touch(tmp_path / "frog" / f"{number}.txt")
    touch(tmp_path / "loose.wav")
    (tmp_path / "frog" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "frog" / "pipe.wav")
    assert find_clips(tmp_path).remarks == (
        "left out (in no class folder): loose.wav",
        "left out (not audio): frog/0.txt, frog/1.txt, frog/2.txt and 2 more",
        "left out (broken links): frog/gone.wav",
        "left out (not regular files): frog/pipe.wav",
    )


def test_a_name_that_controls_a_terminal_is_quoted_in_a_remark(tmp_path: Path) -> None:
    touch(tmp_path / "\x1b[2Jx.txt")
    assert list(remarks(walk(tmp_path).left_out, tmp_path)) == ["left out (not audio): '\\x1b[2Jx.txt'"]


@pytest.mark.parametrize("names", [("mésange", "me\u0301sange"), ("dog", "dog "), ("dog", "\u00a0dog")])
def test_names_that_differ_only_in_their_unicode_form_or_blanks_are_one_class(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    for number, name in enumerate(names):
        touch(tmp_path / name / f"{number}.wav")
    assert len(list(tmp_path.iterdir())) == 2
    assert {clip.label for clip in find_clips(tmp_path)} == {names[0]}


def test_an_empty_class_does_not_affect_the_others(tmp_path: Path) -> None:
    touch(tmp_path / "frog" / "a.wav")
    touch(tmp_path / "owl" / "notes.txt")
    found = find_clips(tmp_path)
    assert [clip.label for clip in found] == ["frog"]
    assert found.empty == ("owl",)
    with pytest.raises(DatasetError, match=r"no class with an audio file; left out \(not audio\): notes.txt"):
        find_clips(tmp_path / "owl")


@pytest.mark.parametrize("name", [".", "..", "../x", "link"])
def test_a_folder_is_walked_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    touch(tmp_path / "x" / "a.wav")
    (tmp_path / "x" / "link").symlink_to(tmp_path / "x")
    monkeypatch.chdir(tmp_path / "x")
    assert [path.name for path in walk(Path(name)).files] == ["a.wav"]
