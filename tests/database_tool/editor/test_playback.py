"""The sound of samples and of streams: the right stretch of the right channel, and one message when it is gone."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from database_tool.editor.audio_source import AudioSourceFile
from database_tool.editor.playback import AudioExcerpt, AudioOutput, SamplePlayer, excerpt_of, mpv_argv
from tests.support.audio_datasets import SPEC, write_pond
from tests.support.sound import loudest_hz, write_tones
from tidzam.dataset import Origin
from tidzam.errors import AudioError, SetupError

SILENCE = AudioExcerpt(np.zeros(2205, np.float32), 22050)


def test_a_sample_sounds_as_it_does_in_its_file(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "tones.wav", 3, seconds=3)
    sound = excerpt_of(Origin(str(path), offset_s=1.5, channel=2), 1.0)
    assert sound.duration_s == 1 and loudest_hz(sound.samples, sound.rate_hz) == 800
    mixed = excerpt_of(Origin(str(path), offset_s=2.5), 1.0)
    assert mixed.duration_s == 0.5 and loudest_hz(mixed.samples, mixed.rate_hz) == 0


def test_a_kept_clip_is_mono_whatever_channel_it_was(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "clip.wav", 1, seconds=1)
    assert loudest_hz(excerpt_of(Origin(str(path), channel=3), 1.0).samples, 44100) == 400


def test_a_file_that_is_gone_is_told_in_one_line() -> None:
    with pytest.raises(AudioError, match="not there any more: the sample can be seen, not heard") as caught:
        excerpt_of(Origin("/nowhere/pond.wav"), 1.0)
    assert caught.value.code == "audio_missing"


def test_silent_output_takes_its_time() -> None:
    before = time.monotonic()
    asyncio.run(SamplePlayer(AudioOutput.none).play(SILENCE))
    assert 0.1 <= time.monotonic() - before < 0.5


def test_what_mpv_is_told() -> None:
    jack = "--ao=jack --jack-name=tidzam-editor --jack-autostart=no"
    assert " ".join(mpv_argv(AudioOutput.jack, Path("/s.wav"))) == (
        f"mpv --no-config --no-video --msg-level=all=error {jack} -- /s.wav"
    )
    assert "--ao" not in " ".join(mpv_argv(AudioOutput.sound, Path("/s.wav")))


def test_without_a_jack_server_or_mpv_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AudioError, match=r"\[ao/jack\] cannot open server.*--jack-server") as caught:
        asyncio.run(SamplePlayer(AudioOutput.jack, "nonesuch").play(SILENCE))
    assert caught.value.code == "audio_output"
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SetupError, match="not installed"):
        asyncio.run(SamplePlayer(AudioOutput.sound).play(SILENCE))


def test_a_stream_is_cut_into_samples_of_the_datasets_features(tmp_path: Path) -> None:
    pond = write_pond(tmp_path)
    path = tmp_path / "sounds" / "wren-2026-05-01-06-30-02.wav"
    stream = AudioSourceFile.open(path)
    assert (stream.length_s, stream.channels) == (4, 1)
    cut = stream.cut(1, 3, None, SPEC)
    np.testing.assert_array_equal([sample.features for sample in cut], pond.features([9, 10]))
    assert [sample.origin for sample in cut] == [pond.origins()[9], pond.origins()[10]]
    assert cut[0].origin.time is not None and cut[0].origin.time.second == 3
    (short,) = stream.cut(2.0, 2.2, None, SPEC)
    assert short.origin.offset_s == pytest.approx(1.6) and short.features.shape == SPEC.shape
    strip = stream.strip(1, 2, None, SPEC)
    np.testing.assert_allclose(strip[: SPEC.n_frames], cut[0].features, atol=1e-4)
    assert loudest_hz(stream.sound(0, 1, None).samples, 22050) == 5000


def test_a_channel_of_a_stream(tmp_path: Path) -> None:
    stream = AudioSourceFile.open(write_tones(tmp_path / "tones.wav", 3, seconds=2))
    (sample,) = stream.cut(0, 1, 1, SPEC)
    assert stream.channels == 3 and sample.origin.channel == 1
    assert loudest_hz(stream.sound(0, 1, 1).samples, 44100) == 600


def test_a_stream_that_cannot_be_decoded_is_told(tmp_path: Path) -> None:
    (tmp_path / "no.wav").write_text("no sound")
    with pytest.raises(AudioError, match="not sound that can be decoded"):
        AudioSourceFile.open(tmp_path / "no.wav")
