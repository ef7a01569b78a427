"""Every format that people have, and every way a file can be none."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.sound import loudest_hz, tones, write_tones
from tidzam.audio.files import audio_length, open_audio, read_audio
from tidzam.errors import AudioError


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_lossless_files_are_read_to_the_sample(tmp_path: Path, name: str) -> None:
    path = write_tones(tmp_path / name, 3, seconds=0.5)
    samples, rate_hz = read_audio(path)
    assert rate_hz == 44100
    assert samples.dtype == np.float32
    assert samples.shape == (3, 22050)
    np.testing.assert_allclose(samples.T, tones(3, seconds=0.5), atol=2**-15)


@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "a.mp3", "a.m4a", "a.mka"])
def test_lossy_files_are_read(tmp_path: Path, name: str) -> None:
    wav = write_tones(tmp_path / "a.wav", 2, seconds=1.0)
    path = tmp_path / name
    codec = ["-c:a", "ac3"] if name == "a.mka" else []
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, *codec, path], check=True)
    samples, rate_hz = read_audio(path)
    assert [loudest_hz(channel, rate_hz) for channel in samples] == [400, 600]
    assert samples.shape[1] / rate_hz == pytest.approx(1.0, abs=0.1)


def test_blocks_join_without_a_break(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "a.flac", 2, seconds=1.0)
    with open_audio(path) as audio:
        assert audio.frames == 44100
        assert audio.channels == 2
        blocks = list(audio.blocks(1000))
    assert max(map(len, blocks)) == 1000
    assert not audio.truncated
    np.testing.assert_array_equal(np.concatenate(blocks).T, read_audio(path)[0])


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_a_file_that_breaks_off_gives_what_it_has(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / name
    soundfile.write(path, np.random.default_rng(1).uniform(-0.5, 0.5, 4 * 44100).astype(np.float32), 44100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with open_audio(path) as audio:
        frames = sum(map(len, audio.blocks()))
    assert audio.truncated
    assert 0.3 < frames / (4 * 44100) < 0.7
    assert "is truncated" in caplog.text


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.m4a"])
def test_a_section_is_a_part_of_the_whole(tmp_path: Path, name: str) -> None:
    wav = write_tones(tmp_path / "a.wav", 2, seconds=2.0)
    path = tmp_path / name
    if path != wav:
        subprocess.run(["ffmpeg", "-v", "error", "-i", wav, path], check=True)
    whole, rate_hz = read_audio(path)
    stretch, _ = read_audio(path, start_s=0.5, duration_s=1.0)
    assert stretch.shape == (2, rate_hz)
    np.testing.assert_allclose(stretch, whole[:, rate_hz // 2 : rate_hz // 2 + rate_hz], atol=1e-6)
    assert read_audio(path, start_s=1.5)[0].shape[1] == whole.shape[1] - round(1.5 * rate_hz)
    with pytest.raises(AudioError, match="holds no audio"):
        read_audio(path, start_s=10)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_a_length_is_what_can_be_decoded(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    soundfile.write(path, np.random.default_rng(1).uniform(-0.5, 0.5, 4 * 44100).astype(np.float32), 44100)
    assert audio_length(path) == (4 * 44100, 44100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert audio_length(path)[0] == read_audio(path)[0].shape[1]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "audio_empty"),
        (b"hello, this is text\n", "audio_format"),
        (b"RIFF", "audio_format"),
        (None, "audio_missing"),
    ],
)
def test_a_file_that_is_not_audio_is_refused(tmp_path: Path, content: bytes | None, code: str) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError) as caught:
        read_audio(path)
    assert caught.value.code == code
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path)
    assert caught.value.code == "audio_missing"


def test_a_file_without_a_frame_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.empty((0, 2), np.float32), 44100)
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path / "a.wav")
    assert caught.value.code == "audio_empty"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "nonsense",
        "[]",
        '{"streams": []}',
        '{"streams": [{"sample_rate": "N/A", "channels": 2}]}',
        '{"streams": [{"sample_rate": "8000", "channels": 0}]}',
    ],
)
def test_an_incomplete_ffprobe_output_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    (tmp_path / "ffprobe").write_text(f"#!/bin/sh\necho '{answer}'\n")
    (tmp_path / "ffprobe").chmod(0o755)
    (tmp_path / "a.wav").write_text("not audio")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path / "a.wav")
    assert caught.value.code == "audio_format"


def test_a_playlist_fetches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(AudioError):
        read_audio(path)


def test_thirty_channels_of_opus_are_read(tmp_path: Path) -> None:
    wav = write_tones(tmp_path / "a.wav", 30, seconds=1.0, rate_hz=48000)
    path = tmp_path / "a.opus"
    codec = ["-mapping_family", "255", "-b:a", "1500k"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, *codec, path], check=True)
    samples, rate_hz = read_audio(path)
    assert [loudest_hz(channel, rate_hz) for channel in samples] == [400 + 200 * channel for channel in range(30)]


def test_a_wav_that_came_through_a_pipe_is_whole(tmp_path: Path) -> None:
    wav = write_tones(tmp_path / "a.wav", 1, seconds=1.0)
    piped = subprocess.run(["ffmpeg", "-v", "error", "-i", wav, "-f", "wav", "-"], capture_output=True, check=True)
    (tmp_path / "piped.wav").write_bytes(piped.stdout)
    with open_audio(tmp_path / "piped.wav") as audio:
        assert sum(map(len, audio.blocks())) == 44100
    assert not audio.truncated


def test_floats_beyond_full_scale_come_through(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 16 * tones(1, seconds=0.1), 44100, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.wav")[0], 16 * tones(1, seconds=0.1).T)


@pytest.mark.parametrize("channels", [3, 5])
def test_channels_of_ogg_come_in_the_order_of_the_live_path(tmp_path: Path, channels: int) -> None:
    """Vorbis has the center between left and right; mpv, and therefore JACK's ports, after them."""
    samples, rate_hz = read_audio(write_tones(tmp_path / "a.ogg", channels, seconds=1.0))
    assert [loudest_hz(channel, rate_hz) for channel in samples] == [400 + 200 * channel for channel in range(channels)]
