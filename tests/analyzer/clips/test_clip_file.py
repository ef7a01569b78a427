"""Files of clips in every format: their audio, their tags, and their pictures."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from analyzer.clips.clip_file import ClipTags, read_tags, write_clip, write_picture
from tests.support.sound import tone

TAGS = ClipTags(
    label="hêron", node="garden", start=datetime(2026, 5, 1, 6, 30, tzinfo=UTC), comment={"class": "hêron", "rate": 0.5}
)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".opus"])
def test_the_tags_are_read_again(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    write_clip(path, tone(440, rate_hz=48000), 48000, TAGS)
    assert read_tags(path) == TAGS.comment


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".opus"])
def test_other_programs_read_the_tags(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    write_clip(path, tone(440, rate_hz=48000), 48000, TAGS)
    argv = ["ffprobe", "-v", "error", "-show_entries", "format_tags:stream_tags", "-of", "json", str(path)]
    found = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
    tags = {key.lower(): value for key, value in (found["format"].get("tags") or found["streams"][0]["tags"]).items()}
    assert (tags["title"], json.loads(tags["comment"])) == ("hêron", TAGS.comment)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_audio_without_loss_is_exact_to_16_bits(suffix: str, tmp_path: Path) -> None:
    path, samples = tmp_path / f"a{suffix}", tone(440, rate_hz=22050)
    write_clip(path, samples, 22050)
    found, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == 22050
    np.testing.assert_allclose(found, samples, atol=2**-15)


def test_opus_has_48_khz_and_the_same_length(tmp_path: Path) -> None:
    samples = tone(440, rate_hz=22050)
    write_clip(tmp_path / "a.opus", samples, 22050)
    found, rate_hz = soundfile.read(tmp_path / "a.opus", dtype="float32")
    assert (rate_hz, len(found)) == (48000, 48000 * len(samples) // 22050)


def test_a_file_without_tags_has_none(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.flac", tone(440, rate_hz=8000), 8000)
    assert read_tags(tmp_path / "a.flac") == {}


def test_the_tone_is_bright_in_the_picture(tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image")
    write_picture(tmp_path / "a.png", tone(2000, rate_hz=8000))
    picture = image.imread(tmp_path / "a.png")[:, :, :3].sum(axis=2)
    assert picture.shape == (257, (8000 - 512) // 256 + 1)
    assert picture.mean(axis=1).argmax() == pytest.approx(128, abs=1)
