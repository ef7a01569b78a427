"""Exporting a dataset as a list or as audio files."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from database_tool.export import export_clips, export_list
from tests.support.datasets import draft, sample
from tidzam.dataset import Dataset, DatasetWriter, Origin
from tidzam.errors import DatasetError

MONO = "m\udce9no.wav"
"""A name that is not UTF-8."""


@pytest.fixture
def pond(tmp_path: Path) -> Dataset:
    """Three samples of 0.1 s: of a mono file, of one channel of a stereo file, and of a missing file."""
    draw = np.random.default_rng(0)
    soundfile.write(tmp_path / "mono.wav", 0.1 * draw.standard_normal(16000), 16000)
    (tmp_path / "mono.wav").rename(tmp_path / MONO)
    soundfile.write(tmp_path / "stereo.wav", 0.1 * draw.standard_normal((8000, 2)), 8000)
    origins = [
        Origin(str(tmp_path / MONO), 0.5, None, None, "mono"),
        Origin(str(tmp_path / "stereo.wav"), 0.25, 1, None, "stereo"),
        Origin(str(tmp_path / "gone.wav"), 0.0, None, None, "gone"),
    ]
    with DatasetWriter(tmp_path / "pond", draft()) as writer:
        for number, origin in enumerate(origins):
            writer.add(sample(number), number, origin)
        return writer.finish(provenance={})


def test_a_list_has_one_row_per_sample(tmp_path: Path, pond: Dataset) -> None:
    assert export_list(pond, tmp_path / "list.csv") == 3
    with (tmp_path / "list.csv").open(errors="surrogateescape") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "file": str(tmp_path / "stereo.wav"),
        "start": "0.250000",
        "end": "0.350000",
        "label": "rain",
        "channel": "1",
        "group": "stereo",
    }


def test_a_list_that_cannot_be_written_is_an_error(tmp_path: Path, pond: Dataset) -> None:
    with pytest.raises(DatasetError, match="cannot be written"):
        export_list(pond, tmp_path / "nowhere" / "list.csv")


def test_clips_have_the_audio_of_the_samples(tmp_path: Path, pond: Dataset) -> None:
    messages: list[str] = []
    assert export_clips(pond, tmp_path / "clips", say=messages.append, advance=lambda done, total: None) == (2, 1)
    assert len(messages) == 1
    assert "gone.wav" in messages[0]
    (mono,), (stereo,) = ((tmp_path / "clips" / label).iterdir() for label in ("frog", "rain"))
    found, rate_hz = soundfile.read(stereo)
    np.testing.assert_allclose(found, soundfile.read(tmp_path / "stereo.wav")[0][2000:2800, 1], atol=2**-15)
    assert rate_hz == 8000
    assert soundfile.info(os.fsencode(mono)).frames == 1600
    assert mono.name == "000000-m\udce9no.flac"
