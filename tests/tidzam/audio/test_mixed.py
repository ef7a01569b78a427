"""Files joined with tags between them, or with files of another format, and files after tags."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.tidzam.audio.test_joined import SECONDS, encoded, read
from tidzam.audio.files import audio_length, read_audio_and_faults

ID3V1 = b"TAG" + b"x" * 125
ID3V2 = b"ID3\x04\0\0\0\0\2\0" + bytes(256)
_APE = (b"APETAGEX" + struct.pack("<4IQ", 2000, 32, 0, flags, 0) for flags in (0xA0000000, 0x80000000))
APE = b"".join(_APE)


@pytest.mark.parametrize("suffix", ["mp3", "flac", "wav", "aiff", "ogg", "opus", "wv"])
@pytest.mark.parametrize("tags", [ID3V1, ID3V2, APE, APE + ID3V1 + ID3V2], ids=["ID3v1", "ID3v2", "APE", "all"])
def test_tags_between_joined_files_hide_no_file(tmp_path: Path, suffix: str, tags: bytes) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encoded(path, 600) + tags + encoded(path, 2000) + tags + encoded(path, 1000))
    heard, length_s, truncated = read(path)
    assert heard == [600, 2000, 1000]
    assert length_s == pytest.approx(3 * SECONDS, abs=0.2)
    assert not truncated


@pytest.mark.parametrize("suffix", ["mp3", "flac", "wav", "aiff", "ogg"])
def test_a_file_after_a_tag_is_read_once(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(ID3V2 + ID3V2 + encoded(path, 600))
    heard, length_s, truncated = read(path)
    assert heard == [600]
    assert length_s == pytest.approx(SECONDS, abs=0.1)
    assert not truncated
    frames, rate_hz = audio_length(path)
    assert frames / rate_hz == pytest.approx(length_s, abs=0.001)


PAIRS = """
mp3+ogg ogg+mp3 wav+flac flac+wav wav+mp3 mp3+wav ogg+wav wav+ogg flac+mp3 mp3+flac flac+ogg ogg+flac wav+aiff aiff+wav
wav+m4a
"""


@pytest.mark.parametrize(("first", "second"), [tuple(pair.split("+")) for pair in PAIRS.split()])
def test_files_of_different_formats_that_were_joined_are_all_read(tmp_path: Path, first: str, second: str) -> None:
    path = tmp_path / f"a.{first}"
    parts = [encoded(tmp_path / f"b.{suffix}", hz) for suffix, hz in ((first, 600), (second, 2000), (first, 1000))]
    path.write_bytes(b"".join(parts))
    heard, length_s, truncated = read(path)
    assert heard == [600, 2000, 1000]
    assert length_s == pytest.approx(3 * SECONDS, abs=0.25)
    assert not truncated


def test_a_flac_file_that_keeps_the_header_of_its_wav_file_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    sound = encoded(path, 600)
    wav = b"riff" + b"RIFF" + struct.pack("<I", 100) + b"WAVE"
    block = b"\x02" + struct.pack(">I", len(wav))[1:] + wav  # a block of metadata after the first
    path.write_bytes(sound[:42] + block + sound[42:])
    heard, length_s, truncated = read(path)
    assert heard == [600]
    assert length_s == pytest.approx(SECONDS, abs=0.01)
    assert not truncated


@pytest.mark.parametrize("suffix", ["mp3", "ogg"])
def test_undecodable_bytes_after_the_audio_are_reported(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encoded(path, 600) + np.random.default_rng(1).bytes(20_000))
    heard, _, truncated = read(path)
    assert heard == [600]
    assert truncated


@pytest.mark.parametrize("suffix", ["mp3", "mp2", "flac", "ogg", "wav", "wv"])
def test_zeros_after_the_audio_are_not_a_loss(tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encoded(path, 600) + bytes(20_000 if suffix != "wav" else 200))
    heard, length_s, truncated = read(path)
    assert heard == [600]
    assert length_s == pytest.approx(SECONDS, abs=0.1)
    assert not truncated
    printed = capfd.readouterr().err.splitlines()  # nothing, unless another test has directed the log to stderr
    assert all("is truncated" in line for line in printed)


@pytest.mark.parametrize("suffix", ["tta", "flv", "avi"])
def test_formats_that_only_ffmpeg_knows_are_read_to_the_end_of_what_was_joined(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encoded(path, 600) + encoded(path, 2000))
    heard, length_s, truncated = read(path)
    assert heard == [600, 2000]
    assert length_s == pytest.approx(2 * SECONDS, abs=0.2)
    assert not truncated


def test_rf64_whose_long_size_is_not_filled_in_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(44100, 0.25), 44100, format="RF64", subtype="PCM_16")
    raw = bytearray(path.read_bytes())
    at, data = raw.index(b"ds64"), raw.index(b"data")
    raw[at + 8 : at + 32] = bytes(24)
    raw[data + 4 : data + 8] = struct.pack("<I", 88200)
    path.write_bytes(raw)
    assert audio_length(path) == (44100, 44100)


@pytest.mark.parametrize("suffix", ["mp3", "mp2", "flac", "wav", "ogg", "wv"])
@pytest.mark.parametrize("tags", [ID3V1, APE, APE + ID3V1, ID3V2], ids=["ID3v1", "APE", "both", "ID3v2"])
def test_tags_after_the_audio_are_not_damage(
    tmp_path: Path, suffix: str, tags: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encoded(path, 600) + tags)
    heard, length_s, truncated = read(path)
    assert heard == [600]
    assert length_s == pytest.approx(SECONDS, abs=0.1)
    assert not truncated
    printed = capfd.readouterr().err.splitlines()  # nothing, unless another test has directed the log to stderr
    assert all("is truncated" in line for line in printed)


@pytest.mark.parametrize("suffix", ["mp3", "flac", "wav"])
def test_a_truncated_file_is_read_as_far_as_it_goes_and_named_once(
    tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encoded(path, 600)[: len(encoded(path, 600)) // 2])
    samples, rate_hz, truncated = read_audio_and_faults(path)
    assert 0 < samples.shape[1] / rate_hz < 0.8 * SECONDS
    assert truncated
    assert [record.message.count("is truncated") for record in caplog.records] == [1]
    printed = capfd.readouterr().err.splitlines()  # nothing, unless another test has directed the log to stderr
    assert all("is truncated" in line for line in printed)
