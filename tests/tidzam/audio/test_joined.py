"""Files that were joined end to end are read to the end, or a warning states where reading stopped."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.sound import loudest_hz
from tidzam.audio.files import audio_length, open_audio, read_audio

RATE_HZ = 44100
SECONDS = 1.5

FORMATS = """
ogg opus oga mp3 flac wav aiff au caf w64 m4a aac wma wv mka webm mp2 ac3 mov
"""
CODECS = {"ogg": ["-c:a", "libvorbis"], "oga": ["-c:a", "flac"], "webm": ["-c:a", "libopus"]}


def encoded(path: Path, hz: float, *options: str, rate_hz: int = RATE_HZ, channels: int = 2) -> bytes:
    """A tone as ffmpeg encodes it."""
    wav = path.with_suffix(f".{hz}.in.wav")
    time_s = np.arange(round(SECONDS * rate_hz)) / rate_hz
    soundfile.write(wav, 0.5 * np.tile(np.sin(2 * np.pi * hz * time_s)[:, None], (1, channels)), rate_hz)
    codec = CODECS.get(path.suffix[1:], [])
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", wav, *codec, *options, path], check=True)
    return path.read_bytes()


def read(path: Path) -> tuple[list[int], float, bool]:
    """The loudest frequency of the middle of each part of a joined file, its length, and whether it is incomplete."""
    with open_audio(path) as audio:
        sound = np.concatenate(list(audio.blocks()))[:, 0]
    count = round(len(sound) / audio.rate_hz / SECONDS)
    heard = [loudest_hz(part[len(part) // 4 : -len(part) // 4], audio.rate_hz) for part in np.array_split(sound, count)]
    return [round(hz, -2) for hz in heard], len(sound) / audio.rate_hz, audio.truncated


@pytest.mark.parametrize("suffix", FORMATS.split())
def test_joined_files_are_read_to_their_end(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    first, second = encoded(path, 600), encoded(path, 2000)
    path.write_bytes(first + second + first)
    heard, length_s, truncated = read(path)
    assert heard == [600, 2000, 600]
    assert length_s == pytest.approx(3 * SECONDS, abs=0.25)
    assert not truncated
    frames, rate_hz = audio_length(path)
    assert frames / rate_hz == pytest.approx(length_s, abs=0.001)


@pytest.mark.parametrize("suffix", ["ogg", "flac", "mp3", "wav", "m4a"])
def test_a_section_may_lie_in_any_of_the_joined_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encoded(path, 600) + encoded(path, 2000))
    whole, rate_hz = read_audio(path)
    stretch, _ = read_audio(path, start_s=SECONDS + 0.5, duration_s=0.5)
    at = round((SECONDS + 0.5) * rate_hz)
    np.testing.assert_allclose(stretch, whole[:, at : at + stretch.shape[1]], atol=1e-4)
    across, _ = read_audio(path, start_s=SECONDS - 0.25, duration_s=0.5)
    assert across.shape[1] == rate_hz // 2


@pytest.mark.parametrize("suffix", ["ogg", "opus", "mp3", "flac", "wav", "m4a"])
@pytest.mark.parametrize("change", [{"rate_hz": 24000}, {"channels": 1}])
def test_where_the_format_changes_it_is_said_how_much_was_read(
    tmp_path: Path, suffix: str, change: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    if suffix == "opus" and "rate_hz" in change:
        pytest.skip("Opus is always decoded at 48 kHz")
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(encoded(path, 600) + encoded(path, 2000, **change))
    heard, length_s, truncated = read(path)
    assert heard == [600]
    assert truncated
    assert length_s == pytest.approx(SECONDS, abs=0.1)
    total = " of 3.0 s"
    assert f"only the first 1.5 s{total} were read" in caplog.text


def test_mp3_without_any_tags_is_followed_where_its_format_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.mp3"
    plain = ["-write_xing", "0", "-id3v2_version", "0"]
    path.write_bytes(encoded(path, 600, *plain) + encoded(path, 2000, *plain, rate_hz=48000))
    assert read(path)[2]
    assert "the rest is at 48000 Hz, not at 44100 Hz" in caplog.text
    path.write_bytes(encoded(path, 600, *plain) + encoded(path, 2000, *plain))
    assert read(path)[0::2] == ([600, 2000], False)


def test_files_that_were_piped_are_joined_as_well(tmp_path: Path) -> None:
    for suffix in ("flac", "wav"):
        path = tmp_path / f"a.{suffix}"
        parts = []
        for hz in (600, 2000):
            encoded(path, hz)
            argv = ["ffmpeg", "-v", "error", "-i", str(path), "-f", suffix, "-"]
            parts.append(subprocess.run(argv, capture_output=True, check=True).stdout)
        path.write_bytes(b"".join(parts))
        heard, length_s, truncated = read(path)
        assert heard == [600, 2000]
        assert not truncated
        assert length_s == pytest.approx(2 * SECONDS, abs=0.01)


def test_a_part_that_cannot_be_decoded_is_said_to_be_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.ogg"
    first = encoded(path, 600)
    path.write_bytes(first + first[:100] + encoded(path, 2000))
    heard, _, truncated = read(path)
    assert heard == [600, 2000]
    assert truncated
    assert "cannot be decoded" in caplog.text


def test_a_truncated_link_is_distinguished_from_a_complete_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.ogg"
    first, second = encoded(path, 600), encoded(path, 2000)
    path.write_bytes(first[: len(first) * 2 // 3] + second)
    heard, _, truncated = read(path)
    assert heard[-1] == 2000
    assert truncated
    assert "is truncated" in caplog.text
