"""CSV lists of clips."""

from pathlib import Path

import pytest

from database_tool.importers.csv import read_csv
from tests.support.sound import write_tones
from tidzam.clips import Clip
from tidzam.errors import DatasetError


def write(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text)
    return path


def test_rows_are_clips(tmp_path: Path) -> None:
    rows = "a.wav,0.5,1.25,wren,,\nb-A.wav,,,rain,1,\nc.wav,3,,owl,,night 1\n"
    assert read_csv(write(tmp_path, f"file,start,end,label,channel,group\n{rows}")) == [
        Clip(tmp_path / "a.wav", "wren", "a", 0.5, 0.75),
        Clip(tmp_path / "b-A.wav", "rain", "b", 0.0, None, 1),
        Clip(tmp_path / "c.wav", "owl", "night 1", 3.0),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,label\na,b\n", "lacks the column file or label"),
        ("", "it has no rows"),
        ("file,label,start\na.wav,wren,early\n", "Line 2 of .* start is 'early'"),
        ("file,label,start,end\na.wav,wren,0,1\na.wav,wren,2,1\n", "Line 3 of .* start 2 s is after end 1 s"),
        ("file,label,start,end\na.wav,wren,0,nan\n", "end is 'nan', expected seconds"),
        ("file,label,start,end\na.wav,wren,0,inf\n", "end is 'inf', expected seconds"),
        ("file,label,start\na.wav,wren,-5\n", "start is '-5', expected seconds"),
        ("file,label\na.wav,\n", "label is empty"),
        ("file,label\n,wren\n", "file is empty"),
        ("file,label,channel\na.wav,wren,left\n", "'left' is not a channel"),
    ],
)
def test_a_fault_is_reported_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        read_csv(write(tmp_path, text))


@pytest.mark.parametrize("label", ["a/b", ".wren", "x" * 300, "a\x07b"])
def test_an_invalid_label_is_reported_with_its_line(tmp_path: Path, label: str) -> None:
    with pytest.raises(DatasetError, match=r"Line 3 of .* the label "):
        read_csv(write(tmp_path, f"file,label\na.wav,wren\nb.wav,{label}\n"))


@pytest.mark.parametrize("channel", ["-1", "1.5", "²", "99999"])
def test_an_invalid_channel_is_reported_with_its_line(tmp_path: Path, channel: str) -> None:
    with pytest.raises(DatasetError, match=r"Line 2 of .* is not a channel"):
        read_csv(write(tmp_path, f"file,label,channel\na.wav,wren,{channel}\n"))


def test_an_accent_in_an_old_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("file,label\na.wav,m\xe9sange\n".encode("latin-1"))
    assert read_csv(path)[0].label == "mésange"


def test_spaces_and_unicode_forms_do_not_make_new_classes(tmp_path: Path) -> None:
    dogs = "a.wav,dog\na.wav, dog\na.wav,dog \na.wav,\u00a0dog\n"
    path = write(tmp_path, f"file,label\n{dogs}b.wav,mésange\nb.wav,me\u0301sange\n")
    assert {clip.label for clip in read_csv(path)} == {"dog", "mésange"}


def test_a_file_is_found_under_another_unicode_form_of_its_name(tmp_path: Path) -> None:
    audio = write_tones(tmp_path / "me\u0301sange.wav", 1, seconds=0.1)
    assert read_csv(write(tmp_path, "file,label\nmésange.wav,tit\n"))[0].path == audio


def test_column_names_are_read_in_any_case(tmp_path: Path) -> None:
    path = write(tmp_path, "File;Start;End;Label\na.wav;0,5;1,25;Wren\n")
    assert read_csv(path) == [Clip(tmp_path / "a.wav", "Wren", "a", 0.5, 0.75)]


def test_a_file_name_that_is_too_long_is_left_to_the_decoder(tmp_path: Path) -> None:
    path = write(tmp_path, f"file,label\n{'x' * 300}.wav,wren\n")
    assert read_csv(path)[0].path.name == f"{'x' * 300}.wav"
