"""Playback of samples: the right section of the right channel, and faults."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from database_tool.editor.playback import AudioExcerpt, AudioOutput, SamplePlayer, excerpt_of, mpv_argv
from tests.support.sound import loudest_hz, write_tones
from tidzam.dataset import Origin
from tidzam.errors import AudioError, SetupError

SILENCE = AudioExcerpt(np.zeros(2205, np.float32), 22050)


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    """A file of 3 s with a tone of its own in each of three channels: 400, 600 and 800 Hz."""
    return write_tones(tmp_path / "tones.wav", 3, seconds=3)


def test_a_sample_is_read_from_its_channel(tones: Path) -> None:
    excerpt = excerpt_of(Origin(str(tones), offset_s=1.5, channel=2), 1.0)
    assert excerpt.duration_s == 1
    assert loudest_hz(excerpt.samples, excerpt.rate_hz) == 800


def test_a_sample_of_all_channels_is_a_downmix(tones: Path) -> None:
    excerpt = excerpt_of(Origin(str(tones), offset_s=1.5), 1.0)
    assert loudest_hz(excerpt.samples, excerpt.rate_hz) == 0  # several tones


def test_a_sample_at_the_end_is_shorter(tones: Path) -> None:
    assert excerpt_of(Origin(str(tones), offset_s=2.5), 1.0).duration_s == 0.5


def test_an_extracted_clip_is_mono_whatever_its_channel(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "clip.wav", 1, seconds=1)
    assert loudest_hz(excerpt_of(Origin(str(path), channel=3), 1.0).samples, 44100) == 400


def test_a_missing_file_is_reported() -> None:
    with pytest.raises(AudioError, match=r"/nowhere/pond\.wav does not exist any more") as caught:
        excerpt_of(Origin("/nowhere/pond.wav"), 1.0)
    assert caught.value.code == "audio_missing"


async def test_silent_output_waits_for_the_duration() -> None:
    playing = asyncio.create_task(SamplePlayer(AudioOutput.none).play(SILENCE))
    await asyncio.sleep(0.02)
    assert not playing.done()
    await playing


def test_mpv_plays_through_jack() -> None:
    jack = "--ao=jack --jack-name=tidzam-editor --jack-autostart=no"
    argv = " ".join(mpv_argv(AudioOutput.jack, Path("/s.wav")))
    assert argv == f"mpv --no-config --no-video --msg-level=all=error {jack} -- /s.wav"


def test_mpv_chooses_the_sound_card() -> None:
    assert "--ao" not in " ".join(mpv_argv(AudioOutput.sound, Path("/s.wav")))


def test_without_a_jack_server_mpvs_reason_is_reported() -> None:
    with pytest.raises(AudioError, match=r"\[ao/jack\] cannot open server") as caught:
        asyncio.run(SamplePlayer(AudioOutput.jack, "nonesuch").play(SILENCE))
    assert caught.value.code == "audio_output"
    assert "--jack-server" in caught.value.hint


def test_without_mpv_that_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SetupError, match="not installed"):
        asyncio.run(SamplePlayer(AudioOutput.sound).play(SILENCE))
