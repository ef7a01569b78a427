from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzer.archive.inputs import find_inputs, is_plain_file
from tidzam.errors import AudioError
from tidzam.naming import clip_stem, port_name
from tidzam.recording_names import compile_pattern


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"RIFF")


def found(folder: Path, *given: str, **options: object) -> list[str]:
    """What is found below `folder`; what is given is below it, too."""
    inputs = find_inputs([str(folder / one) for one in given], **options)  # type: ignore[arg-type]
    return [file.path.relative_to(folder).as_posix() for file in inputs.files]


def test_a_folder_is_searched_and_sorted(tmp_path: Path) -> None:
    make(tmp_path, "b/2.wav", "b/10.WAV", "a/1.flac", "notes.txt", ".hidden.wav")
    assert found(tmp_path, ".") == ["a/1.flac", "b/10.WAV", "b/2.wav"]


def test_what_is_given_first_comes_first(tmp_path: Path) -> None:
    make(tmp_path, "b/1.wav", "a/1.wav")
    assert found(tmp_path, "b", "a/1.wav") == ["b/1.wav", "a/1.wav"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*/1.wav", ["a/1.wav", "b/1.wav"]),
        ("**/*.wav", ["a/1.wav", "b/1.wav", "b/c/2.wav"]),
        ("b*", ["b/1.wav", "b/c/2.wav"]),
        ("[ac]/*", ["a/1.dat", "a/1.wav"]),
    ],
)
def test_globs(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    make(tmp_path, "a/1.wav", "a/1.dat", "b/1.wav", "b/c/2.wav")
    assert found(tmp_path, pattern) == expected


def test_a_file_with_brackets_in_its_name_is_a_file(tmp_path: Path) -> None:
    make(tmp_path, "site [-27.1+153.2].wav", "other.wav")
    assert found(tmp_path, "site [-27.1+153.2].wav") == ["site [-27.1+153.2].wav"]


def test_a_named_file_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    make(tmp_path, "a.dat")
    assert found(tmp_path, "a.dat") == ["a.dat"]


def test_a_missing_file_is_taken_and_fails_later(tmp_path: Path) -> None:
    make(tmp_path, "a.wav")
    inputs = find_inputs([str(tmp_path / "a.wav"), str(tmp_path / "missing.wav")])
    assert [file.size for file in inputs.files] == [4, 0]


def test_a_file_that_is_found_twice_is_taken_once(tmp_path: Path) -> None:
    make(tmp_path, "a.wav")
    (tmp_path / "link.wav").symlink_to("a.wav")
    assert found(tmp_path, "a.wav", ".", "*.wav") == ["a.wav"]


def test_the_folder_of_clips_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "clips/owl/a.wav")
    assert found(tmp_path, ".", leave_out=[tmp_path / "clips"]) == ["a.wav"]


@pytest.mark.parametrize(("given", "says"), [("empty", "holds no audio file"), ("*.wav", "No file matches")])
def test_nothing_to_analyze(tmp_path: Path, given: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(AudioError, match=says):
        find_inputs([str(tmp_path / given)])


def test_an_empty_folder_among_others_is_remarked(tmp_path: Path) -> None:
    make(tmp_path, "a/1.wav")
    (tmp_path / "b").mkdir()
    inputs = find_inputs([str(tmp_path / "a"), str(tmp_path / "b")])
    assert len(inputs.files) == 1
    assert inputs.remarks == (f"{tmp_path / 'b'} holds no audio file",)


def test_what_is_left_out_is_remarked(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "notes.txt")
    assert find_inputs([str(tmp_path)]).remarks == ("left out (not audio): notes.txt",)


def sources(folder: Path, *names: str, patterns: tuple[str, ...] = ()) -> dict[str, str]:
    make(folder, *names)
    inputs = find_inputs([str(folder)], patterns=[compile_pattern(pattern) for pattern in patterns])
    return {file.path.relative_to(folder).as_posix(): file.source for file in inputs.files}


def test_recordings_are_called_by_their_name_or_else_their_folder(tmp_path: Path) -> None:
    names = ("pond-2026-05-01-06-30-00.wav", "site/20260501_063000.WAV", "undated.wav")
    assert sources(tmp_path, *names) == dict(zip(names, ["pond", "site", "undated"], strict=True))


def test_recordings_that_would_be_called_the_same_keep_their_folders(tmp_path: Path) -> None:
    names = ("a/data/20260501_063000.WAV", "b/data/20260501_063000.WAV", "b/data/20260501_073000.WAV")
    expected = ["a-data-20260501_063000.WAV", "b-data-20260501_063000.WAV", "data"]
    assert sources(tmp_path, *names) == dict(zip(names, expected, strict=True))


def test_recordings_of_one_time_that_would_be_called_the_same_keep_their_file_names(tmp_path: Path) -> None:
    names = ("SITE_20260501_063000_A.wav", "SITE_20260501_063000_B.wav", "SITE_20260501_073000_A.wav")
    assert sources(tmp_path, *names) == dict(zip(names, [*names[:2], "SITE"], strict=True))


def test_names_that_are_the_same_in_names_of_clips_have_a_digest(tmp_path: Path) -> None:
    found = sources(tmp_path, "a b.wav", "a:b.wav", "a-c.wav")
    assert len({clip_stem(port_name(source, 0), datetime(1970, 1, 1, tzinfo=UTC)) for source in found.values()}) == 3
    assert found["a-c.wav"] == "a-c"


@pytest.mark.parametrize("name", ["日本語", "Zürich", "мост"])
def test_a_name_of_any_script_is_kept(tmp_path: Path, name: str) -> None:
    assert sources(tmp_path, f"{name}.wav") == {f"{name}.wav": name}


def test_own_patterns_name_recordings(tmp_path: Path) -> None:
    assert sources(tmp_path, "x/pond 01.05.2026 06h.wav", patterns=("* %d.%m.%Y %Hh",)) == {
        "x/pond 01.05.2026 06h.wav": "pond"
    }


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.wav")
    Path(path).write_bytes(b"RIFF")
    (file,) = find_inputs([str(tmp_path)]).files
    assert (str(file.path), file.source) == (path, r"a\xff")


def test_a_plain_file(tmp_path: Path) -> None:
    make(tmp_path, "a.wav", "b[1].wav")
    plain = [["a.wav"], ["b[1].wav"], ["missing.wav"]]
    several = [["*.wav"], ["."], ["a.wav", "b[1].wav"]]
    assert all(is_plain_file([str(tmp_path / one) for one in given]) for given in plain)
    assert not any(is_plain_file([str(tmp_path / one) for one in given]) for given in several)
