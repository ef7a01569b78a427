"""One answer to what an audio file is."""

import os
from pathlib import Path

import pytest

from tests.support.sound import write_tones
from tidzam.audio.file_types import is_audio, is_system_file

NAMED_BY_USERS = """
wav flac ogg oga opus mp3 mp2 m4a aac mp4 3gp webm wma caf au snd w64 rf64 bw64 wv mka aif aiff aifc
"""


@pytest.mark.parametrize("suffix", NAMED_BY_USERS.split())
def test_every_format_that_is_read_counts_as_audio_in_any_case(suffix: str) -> None:
    assert is_audio(Path(f"a.{suffix}"))
    assert is_audio(Path(f"A.B.{suffix.upper()}"))


@pytest.mark.parametrize("name", ["notes.txt", "table.csv", "cover.jpg", "a.wav.txt", "a.wav~", "a.wav.part", "wav"])
def test_other_files_are_not_audio(name: str) -> None:
    assert not is_audio(Path(name))


@pytest.mark.parametrize("name", ["recording", "pond-2026-05-01-06-30-00.125"])
def test_a_file_without_a_suffix_is_judged_by_its_content(tmp_path: Path, name: str) -> None:
    sound, text = tmp_path / name, tmp_path / "README"
    write_tones(tmp_path / "a.wav", 1, seconds=0.1).rename(sound)
    text.write_text("RIF is not RIFF")
    assert is_audio(sound)
    assert not is_audio(text)


def test_a_pipe_without_a_suffix_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "recording")
    assert not is_audio(tmp_path / "recording")


SYSTEM = [
    "__MACOSX",
    "._a.wav",
    ".DS_Store",
    ".hidden.flac",
    "Thumbs.db",
    "thumbs.db",
    "desktop.ini",
    "Desktop.ini",
    "@eaDir",
    "$RECYCLE.BIN",
    "System Volume Information",
]


@pytest.mark.parametrize("name", SYSTEM)
def test_system_files_are_neither_audio_nor_classes(name: str) -> None:
    assert is_system_file(Path("class") / name)
    assert not is_audio(Path("class") / name)


@pytest.mark.parametrize("name", ["rain", "a.wav", "desktop", "thumbs", "eaDir"])
def test_names_of_classes_and_recordings_are_not_system_files(name: str) -> None:
    assert not is_system_file(Path(name))
