"""The audio file that samples are cut from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from database_tool.editor.audio_source import AudioSourceFile
from tests.support.audio_datasets import SPEC
from tests.support.sound import loudest_hz, write_tones
from tidzam.dataset import Origin, open_dataset
from tidzam.errors import AudioError


@pytest.fixture
def wren(written_pond: Path) -> AudioSourceFile:
    """The file of samples 8 to 11 of the dataset: 5000 Hz."""
    return AudioSourceFile.open(written_pond.parent / "sounds" / "wren-2026-05-01-06-30-02.wav")


def test_length_and_channels(wren: AudioSourceFile) -> None:
    assert (wren.length_s, wren.channels) == (4, 1)


def test_a_section_is_cut_as_the_compiler_cuts_it(wren: AudioSourceFile, written_pond: Path) -> None:
    pond, cut = open_dataset(written_pond), wren.cut(1, 3, None, SPEC)
    np.testing.assert_array_equal([sample.features for sample in cut], pond.features([9, 10]))
    assert [sample.origin for sample in cut] == [pond.origins()[9], pond.origins()[10]]


def test_a_section_shorter_than_a_window_is_extended_around_its_middle(wren: AudioSourceFile) -> None:
    (sample,) = wren.cut(2.0, 2.2, None, SPEC)
    assert sample.origin.offset_s == pytest.approx(1.6)
    assert sample.features.shape == SPEC.shape


def test_the_features_of_a_section_are_those_of_its_samples(wren: AudioSourceFile) -> None:
    (sample,) = wren.cut(1, 2, None, SPEC)
    np.testing.assert_allclose(wren.features(1, 2, None, SPEC)[: SPEC.n_frames], sample.features, atol=1e-4)


def test_an_excerpt_can_be_played(wren: AudioSourceFile) -> None:
    assert loudest_hz(wren.excerpt(0, 1, None).samples, 22050) == 5000


def test_one_channel(tmp_path: Path) -> None:
    source = AudioSourceFile.open(write_tones(tmp_path / "tones.wav", 3, seconds=2))
    (sample,) = source.cut(0, 1, 1, SPEC)
    assert sample.origin == Origin(str(tmp_path / "tones.wav"), 0.0, 1, None, "tones")
    assert loudest_hz(source.excerpt(0, 1, 1).samples, 44100) == 600


def test_a_file_that_is_not_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.wav").write_text("not audio")
    with pytest.raises(AudioError, match=r"no\.wav"):
        AudioSourceFile.open(tmp_path / "no.wav")
