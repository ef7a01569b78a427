"""Headers that state a wrong length: all the audio is read, and nothing else as audio."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.sound import tones
from tidzam.audio.files import audio_length, open_audio, read_audio

RATE_HZ = 44100
SOUND = tones(2, seconds=2.0)
PLACEHOLDERS = {
    "sox": 0x7FFFF000,
    "arecord": 0x80000000,
    "arecord, rounded down": 0x7FFFFFFC,
    "ffmpeg": 0xFFFFFFFF,
    "minus the header": 0xFFFFFFFF - 44,
    "nothing": 0,
}


def written(path: Path, *, format: str = "WAV", subtype: str = "PCM_16", sound: object = SOUND) -> Path:
    soundfile.write(path, sound, RATE_HZ, format=format, subtype=subtype)
    return path


def with_sizes(path: Path, riff: int, data: int) -> None:
    """Change the sizes in the header of a plain WAV."""
    raw = bytearray(path.read_bytes())
    at = raw.index(b"data")
    raw[4:8], raw[at + 4 : at + 8] = struct.pack("<I", riff), struct.pack("<I", data)
    path.write_bytes(raw)


def read(path: Path) -> tuple[int, bool]:
    """The frames of a file, and whether it is reported as truncated."""
    with open_audio(path) as audio:
        frames = sum(map(len, audio.blocks()))
    assert audio_length(path)[0] == frames
    return frames, audio.truncated


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_a_wav_whose_length_was_never_filled_in_is_read_to_its_end(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "a.wav")
    with_sizes(path, (PLACEHOLDERS[name] + 36) & 0xFFFFFFFF if PLACEHOLDERS[name] else 0, PLACEHOLDERS[name])
    assert read(path) == (2 * RATE_HZ, False)
    np.testing.assert_allclose(read_audio(path)[0].T, SOUND, atol=2**-15)


def test_a_header_that_is_rewritten_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav")
    for stated in (2 * RATE_HZ * 4, 40000, 0, 2 * RATE_HZ * 4):
        with_sizes(path, stated + 36, stated)
        assert read(path) == (2 * RATE_HZ, False)


@pytest.mark.parametrize("stated_s", [0.25, 0.5, 1.0, 1.9])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
def test_a_wav_with_a_stale_header_is_read_to_its_end(tmp_path: Path, stated_s: float, subtype: str) -> None:
    path = written(tmp_path / "a.wav", subtype=subtype)
    frame_bytes = {"PCM_16": 4, "PCM_24": 6, "FLOAT": 8, "PCM_U8": 2}[subtype]
    with_sizes(path, round(stated_s * RATE_HZ) * frame_bytes + 36, round(stated_s * RATE_HZ) * frame_bytes)
    assert read(path) == (2 * RATE_HZ, False)
    np.testing.assert_allclose(read_audio(path)[0].T, SOUND, atol=2**-7)


@pytest.mark.parametrize(
    "chunks",
    [
        b"LIST" + struct.pack("<I", 30000) + b"INFO" + bytes(29996),
        b"id3 " + struct.pack("<I", 40001) + b"ID3\x03" + bytes(39998),
        b"iXML" + struct.pack("<I", 8000) + b"x" * 8000 + b"bext" + struct.pack("<I", 602) + bytes(602),
        b"abcd" + struct.pack("<I", 20000) + bytes(20000),
        b"LIST" + struct.pack("<I", 50000) + b"INFO" + bytes(10000),  # truncated
        b"TAG" + bytes(125),
        b"ID3\x04" + bytes(20000),
        bytes(512),
    ],
)
@pytest.mark.parametrize("counted", [True, False])
def test_bytes_after_the_data_of_a_wav_are_not_audio(tmp_path: Path, chunks: bytes, counted: bool) -> None:
    path = written(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes() + chunks)
    if counted:
        with_sizes(path, path.stat().st_size - 8, 2 * RATE_HZ * 4)
    assert read(path) == (2 * RATE_HZ, False)


@pytest.mark.parametrize("padded", [True, False])
def test_odd_data_are_followed_by_chunks_with_and_without_padding(tmp_path: Path, padded: bool) -> None:
    path = written(tmp_path / "a.wav", subtype="PCM_U8", sound=SOUND[:-1, :1])
    raw = path.read_bytes().rstrip(b"\x00") if not padded else path.read_bytes()
    data = raw[: raw.index(b"data") + 8 + 2 * RATE_HZ - 1] + b"\x00" * padded
    path.write_bytes(data + b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + bytes(14))
    assert read(path) == (2 * RATE_HZ - 1, False)


@pytest.mark.parametrize("format", ["WAV", "AIFF", "AU", "RF64", "W64"])
def test_data_that_are_missing_are_said_to_be(tmp_path: Path, format: str, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "a", format=format)
    path.write_bytes(path.read_bytes()[: -RATE_HZ * 4])
    frames, truncated = read(path)
    assert truncated
    assert frames == pytest.approx(RATE_HZ, abs=64)
    assert "is truncated: only its first 1.0 s of 2.0 s were read" in caplog.text


def sparse(path: Path, header: bytes, seconds: float) -> int:
    """A sparse file of silence with a second of audio at its end. Returns its frames."""
    frames = round(seconds * RATE_HZ)
    sound = (SOUND[:RATE_HZ] * 2**15).astype("<i2").tobytes()
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 4 * frames)
        file.seek(len(header) + 4 * (frames - RATE_HZ))
        file.write(sound)
    return frames


def fmt_chunk() -> bytes:
    return b"fmt " + struct.pack("<IHHIIHH", 16, 1, 2, RATE_HZ, 4 * RATE_HZ, 4, 16)


@pytest.mark.parametrize("chunks", [b"", b"LIST" + struct.pack("<I", 4) + b"INFO"])
def test_a_wav_of_more_than_4_gib_is_read_past_the_length_that_wrapped(tmp_path: Path, chunks: bytes) -> None:
    size = 4 * RATE_HZ * 24400
    header = struct.pack("<4sI4s", b"RIFF", (size + 36) % 2**32, b"WAVE") + fmt_chunk()
    frames = sparse(tmp_path / "a.wav", header + struct.pack("<4sI", b"data", size % 2**32), 24400)
    with (tmp_path / "a.wav").open("ab") as file:
        file.write(chunks)
    assert audio_length(tmp_path / "a.wav") == (frames, RATE_HZ)
    samples, _ = read_audio(tmp_path / "a.wav", start_s=24399)
    np.testing.assert_allclose(samples.T, SOUND[:RATE_HZ], atol=2**-14)


@pytest.mark.parametrize("name", [b"RF64", b"BW64"])
@pytest.mark.parametrize("stated", ["right", "nothing", "all ones"])
def test_rf64_and_bw64_of_more_than_4_gib_are_read(tmp_path: Path, name: bytes, stated: str) -> None:
    size = 4 * RATE_HZ * 24400
    sizes = {"right": (size + 72, size), "nothing": (0, 0), "all ones": (2**64 - 1, 2**64 - 1)}[stated]
    header = struct.pack("<4sI4s", name, 0xFFFFFFFF, b"WAVE") + struct.pack("<4sIQQQI", b"ds64", 28, *sizes, 0, 0)
    header += fmt_chunk() + struct.pack("<4sI", b"data", 0xFFFFFFFF)
    frames = sparse(tmp_path / "a.wav", header, 24400)
    assert audio_length(tmp_path / "a.wav") == (frames, RATE_HZ)
    samples, _ = read_audio(tmp_path / "a.wav", start_s=24399)
    np.testing.assert_allclose(samples.T, SOUND[:RATE_HZ], atol=2**-14)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_S8", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
@pytest.mark.parametrize("format", ["AIFF", "AU", "CAF", "W64"])
@pytest.mark.parametrize("stated", [0, 40000])
def test_a_stale_length_of_other_containers_is_not_believed(
    tmp_path: Path, format: str, subtype: str, stated: int
) -> None:
    if format == "W64" and subtype == "PCM_S8":
        subtype = "PCM_U8"
    path = written(tmp_path / "a", format=format, subtype=subtype)
    expected = read_audio(path)[0]
    raw = bytearray(path.read_bytes())
    if format == "AU":
        raw[8:12] = struct.pack(">I", stated)
    elif format == "AIFF":
        at = raw.index(b"SSND")
        raw[4:8], raw[at + 4 : at + 8] = struct.pack(">I", at + stated), struct.pack(">I", stated + 8 if stated else 0)
    elif format == "CAF":
        at = raw.index(b"data")
        raw[at + 4 : at + 12] = struct.pack(">q", stated + 4)
    else:
        at = raw.index(b"data\xf3\xac")
        raw[at + 16 : at + 24] = struct.pack("<q", stated + 24)
    path.write_bytes(raw)
    samples, rate_hz = read_audio(path)
    assert rate_hz == RATE_HZ
    assert samples.shape == expected.shape
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("name", ["a.wav", "a.au", "a.w64", "a.caf", "a.flac", "a.mp3"])
def test_what_ffmpeg_writes_to_a_pipe_is_whole(tmp_path: Path, name: str) -> None:
    wav = written(tmp_path / "in.wav")
    container = name.partition(".")[2]
    argv = ["ffmpeg", "-v", "error", "-i", str(wav), "-f", container, "-"]
    (tmp_path / name).write_bytes(subprocess.run(argv, capture_output=True, check=True).stdout)
    frames, truncated = read(tmp_path / name)
    assert frames == pytest.approx(2 * RATE_HZ, abs=2400 if name == "a.mp3" else 0)
    assert not truncated
