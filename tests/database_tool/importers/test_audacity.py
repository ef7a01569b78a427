"""Audacity label tracks."""

from pathlib import Path

import pytest

from database_tool.importers.audacity import read_audacity
from tests.support.sound import write_tones
from tidzam.clips import Clip
from tidzam.errors import DatasetError


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    return write_tones(tmp_path / "pond.flac", 1, seconds=0.1)


def track(audio: Path, text: str) -> Path:
    path = audio.with_name("pond.txt")
    path.write_bytes(text.encode())
    return path


def test_labels_are_clips_of_the_audio_beside_the_track(audio: Path) -> None:
    path = track(audio, "0.5\t1.500000\twren\n\\\t1000.0\t2000.0\n2.0\t2.0\towl\n3\t4\t\n")
    assert read_audacity(path, say=print) == [
        Clip(audio, "wren", "pond", 0.5, 1.0),
        Clip(audio, "owl", "pond", 2.0, 0.0),
    ]


def test_the_audio_file_can_be_named(audio: Path, tmp_path: Path) -> None:
    other = tmp_path / "creek.wav"
    assert read_audacity(track(audio, "0.5\t1.5\twren\n"), audio=other, say=print)[0].path == other


def test_a_fault_is_reported_with_its_line(audio: Path) -> None:
    with pytest.raises(DatasetError, match=r"Line 2 of .* start, end and label"):
        read_audacity(track(audio, "0.5\t1.5\twren\nnonsense\n"), say=print)


def test_a_track_without_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "creek.txt").write_text("0.5\t1.5\twren\n")
    with pytest.raises(DatasetError, match="No audio file with the same name next to"):
        read_audacity(tmp_path / "creek.txt", say=print)


def test_a_unicode_line_separator_does_not_end_a_line(audio: Path) -> None:
    with pytest.raises(DatasetError, match=r"Line 1 of .* label 'wren\\u2028or owl' contains a character"):
        read_audacity(track(audio, "0,5\t1,5\twren\u2028or owl\r\n2\t3\train\x85\r\n"), say=print)


def test_lines_of_an_old_mac_are_read(audio: Path) -> None:
    clips = read_audacity(track(audio, "0,5\t1,5\twren\r2\t3\train\x85\r"), say=print)
    assert [(clip.label, clip.start_s) for clip in clips] == [("wren", 0.5), ("rain", 2.0)]


def test_labels_without_a_name_are_counted(audio: Path) -> None:
    messages: list[str] = []
    path = track(audio, "0.0\t1.0\tdog\n1.0\t2.0\t\n2.0\t3.0\n")
    read_audacity(path, say=messages.append)
    assert messages == [f"{path}: 2 rows without a label skipped"]
