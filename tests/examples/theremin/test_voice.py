"""The voice: no click, whatever happens, and the pitch that it was given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.theremin.notes import hz_of
from examples.theremin.pitch import pitch_curve
from examples.theremin.voice import LEVEL, Voice
from tidzam.types import Float32

RATE_HZ = 48000
CHANGES = st.lists(
    st.tuples(st.floats(200, 800), st.floats(0, 1), st.sampled_from([64, 256, 1000])), min_size=2, max_size=40
)


def played(changes: Sequence[tuple[float, float, int]], voice: Voice | None = None) -> Float32:
    """A voice that is set to a frequency and a loudness, and plays so many frames, again and again."""
    voice = voice or Voice(RATE_HZ)
    blocks = []
    for frequency_hz, loudness, frames in changes:
        voice.set(frequency_hz, loudness)
        blocks.append(np.zeros(frames, np.float32))
        voice.play(blocks[-1])
    return np.concatenate(blocks)


@given(CHANGES)
@settings(max_examples=50)
def test_no_sample_jumps_however_pitch_and_loudness_change(changes: list[tuple[float, float, int]]) -> None:
    steepest = 2 * np.pi * 800 / RATE_HZ * 1.9 + 1.4 / (0.012 * RATE_HZ)  # of the wave, and of a change of loudness
    assert np.abs(np.diff(played(changes), prepend=0)).max() <= LEVEL * steepest


@pytest.mark.parametrize("note", [50, 55, 60.5, 79])
def test_the_pitch_is_that_of_the_note(note: float) -> None:
    curve = pitch_curve(played([(hz_of(note), 1.0, 4800)] * 5), RATE_HZ)
    assert np.nanmedian(curve.notes) == pytest.approx(note, abs=0.01)


def test_the_length_of_the_cycles_changes_nothing() -> None:
    one, many = played([(440, 1, 4096)]), played([(440, 1, 256)] * 16)
    assert np.allclose(one, many, atol=1e-5)


def test_it_glides_to_another_pitch_within_30_ms() -> None:
    voice = Voice(RATE_HZ)
    played([(hz_of(60), 1, 4800)], voice)
    curve = pitch_curve(played([(hz_of(72), 1, 4800)], voice), RATE_HZ)
    assert curve.notes[4] == pytest.approx(72, abs=0.3)


def test_a_released_tone_fades_to_silence() -> None:
    voice = Voice(RATE_HZ)
    played([(440, 1, 4800)], voice)
    voice.release()
    rest = np.zeros(8192, np.float32)
    voice.play(rest)
    assert np.abs(rest[:48]).max() > 0.01
    assert np.abs(rest[-48:]).max() < 1e-5


def test_a_tone_after_silence_begins_at_its_pitch() -> None:
    curve = pitch_curve(played([(hz_of(79), 1, 4800)] * 2), RATE_HZ)
    heard = curve.notes[~np.isnan(curve.notes)]
    assert np.abs(heard - 79).max() < 0.05
