"""Files that are damaged in their middle: what is good is read, and what is lost is counted."""

import random
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.sound import tones, write_tones
from tidzam.audio.files import audio_length, open_audio, read_audio
from tidzam.audio.sanitize import LIMIT
from tidzam.errors import AudioError

RATE_HZ = 44100
FORMATS = ["wav", "flac", "ogg", "opus", "mp3", "aiff", "au", "caf", "w64", "m4a", "webm", "wv"]


def noise(seconds: float, channels: int = 1) -> np.ndarray:
    samples: np.ndarray = np.random.default_rng(1).uniform(-0.5, 0.5, (round(seconds * RATE_HZ), channels))
    return samples.astype(np.float32)


def read(path: Path) -> tuple[np.ndarray, float, bool]:
    """The first channel of a file, the seconds that were lost, and whether it is incomplete."""
    with open_audio(path) as audio:
        sound = np.concatenate(list(audio.blocks()))[:, 0]
    return sound, audio.lost_s, audio.truncated


@pytest.mark.parametrize("places", [1, 3])
def test_damaged_frames_of_flac_are_silent_and_later_frames_keep_their_position(tmp_path: Path, places: int) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(8.0), RATE_HZ)
    whole, _, _ = read(path)
    raw = bytearray(path.read_bytes())
    for place in range(places):
        raw[len(raw) * (place + 1) // (places + 1)] ^= 0x20
    path.write_bytes(raw)
    sound, lost_s, truncated = read(path)
    assert truncated
    assert len(sound) == len(whole)
    wrong = np.flatnonzero(sound != whole)
    assert len(wrong) <= round(lost_s * RATE_HZ) <= places * 3 * 4096
    assert not sound[wrong].any()


def test_a_section_may_begin_within_damaged_flac(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(8.0), RATE_HZ)
    whole, _ = read_audio(path)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x20
    path.write_bytes(raw)
    for start_s in np.arange(3.9, 4.1, 0.02):
        stretch, _ = read_audio(path, start_s=start_s, duration_s=1.0)
        at = round(start_s * RATE_HZ)
        assert stretch.shape[1] == RATE_HZ
        np.testing.assert_array_equal(stretch[:, -RATE_HZ // 2 :], whole[:, at + RATE_HZ // 2 : at + RATE_HZ])


def test_a_flac_that_breaks_off_before_another_is_not_mistaken_for_it(tmp_path: Path) -> None:
    first, second = tmp_path / "0.flac", tmp_path / "1.flac"
    soundfile.write(first, tones(1, seconds=4.0), RATE_HZ)
    soundfile.write(second, noise(4.0), RATE_HZ)
    expected, _, _ = read(second)
    path = tmp_path / "a.flac"
    path.write_bytes(first.read_bytes()[: first.stat().st_size // 2] + second.read_bytes())
    sound, lost_s, truncated = read(path)
    assert truncated
    assert 1.0 < lost_s < 3.0
    np.testing.assert_array_equal(sound[-4 * RATE_HZ :], expected)


@pytest.mark.parametrize("suffix", ["ogg", "opus", "mp3"])
@pytest.mark.parametrize("damage", ["zeros", "a hole"])
def test_lost_pages_and_frames_are_counted(
    tmp_path: Path, suffix: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    wav, path = tmp_path / "a.wav", tmp_path / f"a.{suffix}"
    soundfile.write(wav, noise(8.0, channels=2), RATE_HZ)
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, path], check=True)
    raw = path.read_bytes()
    middle, count = len(raw) // 2, len(raw) // 20
    path.write_bytes(raw[:middle] + (bytes(count) if damage == "zeros" else b"") + raw[middle + count :])
    sound, lost_s, truncated = read(path)
    rate_hz = 48000 if suffix == "opus" else RATE_HZ
    assert truncated
    assert 0.2 < lost_s < 3.0
    left_out_s = 0.0 if suffix == "opus" else lost_s  # the decoder of Opus fills holes
    assert len(sound) / rate_hz == pytest.approx(8.0 - left_out_s, abs=0.2)
    assert "could not be decoded" in caplog.text


@pytest.mark.parametrize("suffix", ["wav", "caf", "aiff"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -3e38])
def test_invalid_samples_are_zero_and_the_file_is_named(
    tmp_path: Path, suffix: str, value: float, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"a.{suffix}"
    samples = noise(0.5, channels=2)
    expected = samples.copy()
    samples[[10, 9000, -1], 1] = value
    expected[[10, 9000, -1], 1] = 0
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    for _ in range(2):
        np.testing.assert_array_equal(read_audio(path)[0].T, expected)
    with open_audio(path) as audio:
        assert sum(map(len, audio.blocks())) == len(samples)
        assert audio.cleaned == 3
    assert caplog.text.count(f"{path}: 3 samples are not finite") == 1


def test_doubles_beyond_the_range_of_float_are_cleaned(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.array([0.5, 1e300, -1e300, np.nan]), RATE_HZ, subtype="DOUBLE")
    assert read_audio(tmp_path / "a.wav")[0].tolist() == [[0.5, 0.0, 0.0, 0.0]]


def test_integers_that_are_stored_as_floats_are_left_alone(tmp_path: Path) -> None:
    samples = np.array([-LIMIT, 2.0**23, 32767.0, 1.0], np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE_HZ, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav")[0][0], samples)


def mutated(raw: bytes, draw: random.Random) -> bytes:
    """A file with some damage: bits, extreme numbers, holes, insertions, an early end, a second beginning."""
    found = bytearray(raw)
    for _ in range(draw.choice([1, 1, 2, 5])):
        at = draw.randrange(max(1, min(len(found), draw.choice([64, 512, len(raw)]))))
        kind = draw.randrange(6)
        if kind == 0:
            found[at : at + 1] = bytes([draw.randrange(256)])
        elif kind == 1:
            found[at : at + 4] = draw.choice([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"])
        elif kind == 2:
            del found[at : at + draw.randrange(1, 2000)]
        elif kind == 3:
            found[at:at] = draw.randbytes(draw.randrange(1, 300))
        elif kind == 4:
            del found[at + 1 :]
        else:
            found += found[:at]
    return bytes(found)


@pytest.mark.parametrize("suffix", FORMATS)
def test_damaged_files_of_any_format_are_read_or_refused(tmp_path: Path, suffix: str) -> None:
    wav = write_tones(tmp_path / "in.wav", 2, seconds=0.4)
    whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"a.{suffix}"
    codec = ["-c:a", "libvorbis"] if suffix == "ogg" else []
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, *codec, whole], check=True)
    raw, draw = whole.read_bytes(), random.Random(suffix)
    for _ in range(6 if suffix in ("m4a", "webm", "wv") else 25):
        path.write_bytes(mutated(raw, draw))
        started = time.monotonic()
        try:
            with open_audio(path) as audio:
                frames = sum(map(len, audio.blocks()))
                assert frames < 100 * len(raw)
                assert 0 < audio.channels <= 256
            assert audio_length(path)[1] == audio.rate_hz
            read_audio(path, start_s=0.1, duration_s=0.1)
        except AudioError as error:
            assert str(path) in str(error)
        assert time.monotonic() - started < 30
