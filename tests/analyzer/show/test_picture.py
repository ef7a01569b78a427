from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from analyzer.__main__ import app
from analyzer.files.recording import AnalyzedFile
from analyzer.show.picture import DetectionPicture, LoudestSpectra
from tests.support.bundles import write_tone_bundle
from tests.support.sound import tone
from tidzam.errors import ConfigError, TidzamError

pytest.importorskip("matplotlib")

RATE_HZ = 44100


def test_a_tone_is_loudest_in_its_own_bin() -> None:
    spectra = LoudestSpectra(1)
    spectra.add(tone(2000.0)[None])
    assert set(spectra.decibels()[0].argmax(axis=0)) == {round(2000 * 1024 / RATE_HZ)}


def test_blocks_of_any_size_give_the_same() -> None:
    samples = np.random.default_rng(0).standard_normal((2, 50_000)).astype(np.float32)
    whole, pieces = LoudestSpectra(2, columns=16), LoudestSpectra(2, columns=16)
    whole.add(samples)
    for start in range(0, 50_000, 777):
        pieces.add(samples[:, start : start + 777])
    assert pieces.frames_per_column == whole.frames_per_column
    np.testing.assert_allclose(pieces.decibels(), whole.decibels(), atol=1e-3)


def test_columns_are_merged_and_keep_the_loudest() -> None:
    spectra = LoudestSpectra(1, columns=10)
    samples = np.zeros((1, 100 * 512), np.float32)
    samples[0, 25_600] = 1.0
    for block in np.split(samples, 50, axis=1):
        spectra.add(block)
    levels = spectra.decibels()[0]
    assert 10 <= levels.shape[1] <= 20
    loudest = np.flatnonzero(levels.max(axis=0) > -1)
    assert 25_600 // spectra.frames_per_column in loudest
    assert len(loudest) <= 2


def test_a_sound_shorter_than_a_spectrum_is_shown() -> None:
    spectra = LoudestSpectra(1)
    spectra.add(np.ones((1, 10), np.float32))
    assert spectra.decibels().shape[2] >= 1


def recording(channels: int) -> AnalyzedFile:
    names = {f"pond:out_{number}": number for number in range(channels)}
    return AnalyzedFile(RATE_HZ, datetime(2026, 5, 1, tzinfo=UTC), True, names)


def test_too_many_channels_are_refused() -> None:
    with pytest.raises(ConfigError, match="17 channels"):
        DetectionPicture(recording(17))


def pond(folder: Path) -> list[str]:
    """The options that analyze a recording with two channels."""
    write_tone_bundle(folder / "nn", "selector", {"owl": (2000.0,)})
    samples = np.concatenate([tone(), tone(2000.0, amplitude=0.9)])
    path = folder / "pond-2026-05-01-06-30-00.wav"
    soundfile.write(path, np.stack([samples, samples[::-1]], axis=1), RATE_HZ)
    return ["--stream", str(path), "--nn", str(folder / "nn")]


def test_a_picture_that_cannot_be_written_is_found_before_the_analysis(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*pond(tmp_path), "--show", "/nonexistent/a.png"])
    assert isinstance(done.exception, TidzamError)
    assert "/nonexistent/a.png cannot be written" in str(done.exception)


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.PDF", b"%PDF")])
def test_show_with_a_file_writes_a_picture(tmp_path: Path, name: str, magic: bytes) -> None:
    done = CliRunner().invoke(app, [*pond(tmp_path), "--overlap", "0.5", "--show", str(tmp_path / name)])
    assert done.exit_code == 0, done.output
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert "owl" in done.output
