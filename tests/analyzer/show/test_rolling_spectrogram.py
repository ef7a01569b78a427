"""The moving spectrogram: where a sound appears in it, and that its memory does not grow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.show.rolling_spectrogram import COLUMNS_PER_S, RollingSpectrogram
from tests.support.sound import tone
from tidzam.types import Float32

RATE_HZ = 44100
ROWS, COLUMNS = 100, 128


def rolling(samples: Float32, block: int = 5000) -> RollingSpectrogram:
    """Of samples (n, channels)."""
    blocks: Iterator[Float32] = (samples[start : start + block] for start in range(0, len(samples), block))
    return RollingSpectrogram(blocks, RATE_HZ, samples.shape[1], rows=ROWS, columns=COLUMNS)


def test_a_tone_is_brightest_at_its_pitch() -> None:
    found = rolling(tone(11025.0)[:, None])
    found.read_until(0.9)
    rows = found.view(0.9)[0, :, -20:].argmax(axis=0)
    assert np.abs(rows - ROWS / 2).max() <= 1


def test_a_sound_moves_to_the_left_as_the_position_advances() -> None:
    samples = np.concatenate([np.zeros(RATE_HZ, np.float32), tone(5000.0), np.zeros(RATE_HZ, np.float32)])
    found = rolling(samples[:, None])
    found.read_until(2.5)
    for end_s in (2.0, 2.5):
        bright = np.flatnonzero(found.view(end_s)[0].max(axis=0) > 200)
        assert abs(bright[-1] - (COLUMNS - 1 + (2.0 - end_s) * COLUMNS_PER_S)) <= 2


def test_before_the_beginning_and_after_the_end_there_is_nothing() -> None:
    found = rolling(tone(5000.0)[:, None])
    found.read_until(3.0)
    assert not found.view(0.0).any()
    assert not found.view(4.0).any()
    assert found.has_passed(1.1)


def test_blocks_of_any_size_give_the_same() -> None:
    samples = np.random.default_rng(0).standard_normal((RATE_HZ, 2)).astype(np.float32)
    views = []
    for block in (100, 44100):
        found = rolling(samples, block)
        found.read_until(0.9)
        views.append(found.view(0.9))
    np.testing.assert_array_equal(views[0], views[1])


def test_only_what_is_shown_is_read() -> None:
    read = [0]

    def endless() -> Iterator[Float32]:
        while True:
            read[0] += 1000
            yield np.zeros((1000, 1), np.float32)

    found = RollingSpectrogram(endless(), RATE_HZ, 1, rows=ROWS, columns=COLUMNS)
    for number in range(200):
        found.read_until(number / 10)
    assert read[0] <= 20 * RATE_HZ + 2048
    assert found._samples.shape[1] <= 4096
