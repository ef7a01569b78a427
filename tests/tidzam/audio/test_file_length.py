"""The length of recordings from their headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.recordings import chirp, write_recording
from tidzam.audio.file_length import file_length
from tidzam.audio.ogg_length import ogg_length
from tidzam.audio.part import FileBytes


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus"])
def test_the_length_channels_and_rate_of_every_format_are_read(tmp_path: Path, suffix: str) -> None:
    samples = np.stack([chirp(0.0, 3.3), chirp(1.0, 3.3)], axis=1)
    found = file_length(write_recording(tmp_path, samples, suffix=suffix))
    assert found is not None
    assert (found.channels, found.rate_hz) == (2, 48000 if suffix == "opus" else 44100)
    assert found.length_s == pytest.approx(3.3, abs=0.01)


@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_chained_files_are_measured_as_a_whole(tmp_path: Path, suffix: str) -> None:
    parts = [write_recording(tmp_path, chirp(0.0, length), length, suffix=suffix) for length in (1.5, 2.0)]
    joined = tmp_path / f"joined.{suffix}"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    found = file_length(joined)
    assert found is not None
    assert found.length_s == pytest.approx(3.5, abs=0.02)


@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_a_truncated_file_is_as_long_as_its_last_complete_page(tmp_path: Path, suffix: str) -> None:
    path = write_recording(tmp_path, chirp(0.0, 10.0), suffix=suffix)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    found = file_length(path)
    assert found is not None
    assert 4.0 < found.length_s < 8.0


def test_a_truncated_wav_file_is_as_long_as_its_data(tmp_path: Path) -> None:
    path = write_recording(tmp_path, chirp(0.0, 4.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = file_length(path)
    assert found is not None
    assert found.length_s == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    "content", [b"", b"OggS\0", b"OggS" + bytes(100), b"RIFF" + bytes(60), b"fLaC\0\0\0\x22", b"no"]
)
@pytest.mark.parametrize("suffix", ["ogg", "wav", "flac"])
def test_files_without_audio_have_no_length(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(content)
    assert file_length(path) is None


def test_a_missing_file_has_no_length(tmp_path: Path) -> None:
    assert file_length(tmp_path / "missing.ogg") is None


def test_a_file_that_was_cut_out_of_a_stream_does_not_last_since_the_beginning_of_that(tmp_path: Path) -> None:
    path = write_recording(tmp_path, chirp(0.0, 20.0), suffix="opus")
    data = bytearray(path.read_bytes())
    at = 0
    while (at := data.find(b"OggS\0", at)) >= 0:
        time = int.from_bytes(data[at + 6 : at + 14], "little")
        data[at + 6 : at + 14] = (time + 3600 * 48000 if time else 0).to_bytes(8, "little")
        at += 5
    path.write_bytes(data)
    with path.open("rb") as file:
        found = ogg_length(FileBytes(file.fileno()))
    assert found is not None
    assert 18.0 < found.length_s <= 20.0
