"""Peaks: the smallest and largest samples, whatever the resolution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tidzam.recorded_sound.peaks import PeakLine, PeakPyramid
from tidzam.types import Float32

RATE_HZ = 2000
DURATION_S = 200


@pytest.fixture(scope="module")
def samples() -> Float32:
    """Noise, with one peak at 123.4 s in the second channel."""
    noise = np.random.default_rng(5).uniform(-0.2, 0.2, (DURATION_S * RATE_HZ, 2)).astype(np.float32)
    noise[round(123.4 * RATE_HZ), 1] = -0.9
    return noise


@pytest.fixture(scope="module")
def pyramid(samples: Float32) -> PeakPyramid:
    return PeakPyramid.of(np.array_split(samples, 37), RATE_HZ)


def drawn(pyramid: PeakPyramid, *, pixels: int, at_s: float = 0.0, channel: int = 1) -> PeakLine:
    line = PeakLine(DURATION_S, pixels)
    pyramid.draw(line, channel, at_s)
    return line


@pytest.mark.parametrize("pixels", [4, 40, 400])
def test_a_peak_is_in_its_pixel_at_every_resolution(pyramid: PeakPyramid, pixels: int) -> None:
    line = drawn(pyramid, pixels=pixels)
    assert int(np.argmin(line.low)) == int(123.4 / (DURATION_S / pixels))


def test_pixels_hold_the_extremes_of_their_samples(pyramid: PeakPyramid, samples: Float32) -> None:
    line = drawn(pyramid, pixels=400)
    expected = samples[:, 1].reshape(400, -1).max(axis=1)
    assert line.high == pytest.approx(expected, abs=1 / 32767)


def test_a_recording_that_begins_later_is_drawn_later(pyramid: PeakPyramid) -> None:
    line = drawn(pyramid, pixels=400, at_s=50.0)
    assert int(np.nanargmin(line.low)) == int((123.4 + 50) * 2)


def test_pixels_before_a_recording_are_unknown(pyramid: PeakPyramid) -> None:
    line = drawn(pyramid, pixels=400, at_s=50.0)
    assert np.flatnonzero(np.isnan(line.low)).tolist() == list(range(100))


def test_a_recording_that_begins_before_the_line_is_drawn_from_its_middle(pyramid: PeakPyramid) -> None:
    line = drawn(pyramid, pixels=400, at_s=-100.0)
    assert int(np.nanargmin(line.low)) == int(23.4 * 2)


def test_pixels_after_a_recording_are_unknown(pyramid: PeakPyramid) -> None:
    line = drawn(pyramid, pixels=10, at_s=-100.0)
    assert np.flatnonzero(np.isnan(line.low)).tolist() == [5, 6, 7, 8, 9]


def test_a_channel_that_is_not_there_draws_nothing(pyramid: PeakPyramid) -> None:
    assert np.isnan(drawn(pyramid, pixels=10, channel=2).low).all()


def test_peaks_are_read_as_they_were_written(pyramid: PeakPyramid, tmp_path: Path) -> None:
    pyramid.save(tmp_path / "peaks.npz")
    read = PeakPyramid.load(tmp_path / "peaks.npz")
    assert all(np.array_equal(*levels) for levels in zip(read.levels, pyramid.levels, strict=True))
