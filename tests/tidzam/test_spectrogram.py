"""Spectrograms at a terminal: where time and frequency go, and how a sound is made to fit."""

from __future__ import annotations

import numpy as np
import pytest

from tidzam.spectrogram import spectrogram
from tidzam.types import Float32

BRIGHTEST, DARKEST = "#fcffa4", "#000004"


def one_bright(frames: int, mels: int) -> Float32:
    """Silence, but for the highest band at the end."""
    features = np.full((frames, mels), -100.0, np.float32)
    features[-1, -1] = 0
    return features


def places(text: object, color: str) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in text.spans if color in str(span.style)]  # type: ignore[attr-defined]


def test_time_goes_to_the_right_and_frequency_upwards() -> None:
    text = spectrogram(one_bright(5, 8))
    assert text.plain.split("\n") == ["▀" * 5] * 4
    assert places(text, BRIGHTEST) == [(4, 5)]


@pytest.mark.parametrize(("columns", "rows"), [(3, 2), (20, 10), (5, 1), (7, 4)])
def test_it_fills_the_room_it_is_given_and_loses_no_short_sound(columns: int, rows: int) -> None:
    text = spectrogram(one_bright(5, 8), columns=columns, rows=rows)
    assert text.plain.split("\n") == ["▀" * columns] * rows
    bright = places(text, BRIGHTEST)
    assert bright
    assert all(end <= columns for _, end in bright[:1])
    assert max(end for _, end in bright if end <= columns) == columns


def test_silence_is_dark() -> None:
    text = spectrogram(np.full((5, 8), -100.0, np.float32))
    assert places(text, DARKEST) == [(start, start + 5) for start in (0, 6, 12, 18)]
