"""What was played, by its sound."""

from __future__ import annotations

import numpy as np
import pytest

from examples.theremin.notes import hz_of
from examples.theremin.pitch import HOP_S, PitchCurve, pitch_curve, played_notes
from tests.support.sound import tone

RATE_HZ = 48000


@pytest.mark.parametrize("note", [45, 60, 60.5, 84])
def test_the_pitch_of_a_tone(note: float) -> None:
    curve = pitch_curve(tone(hz_of(note), rate_hz=RATE_HZ), RATE_HZ)
    assert curve.notes[2:-2] == pytest.approx(note, abs=0.02)


def test_silence_and_faint_noise_have_no_pitch() -> None:
    faint = np.random.default_rng(0).normal(0, 1e-3, RATE_HZ).astype(np.float32)
    assert np.isnan(pitch_curve(faint, RATE_HZ).notes).all()


def test_lost_samples_do_not_disturb_the_pitch() -> None:
    samples = tone(hz_of(69), rate_hz=RATE_HZ)
    samples[20000:20256] = 0
    assert pitch_curve(samples, RATE_HZ).notes[2:-2] == pytest.approx(69, abs=0.1)


def test_notes_are_listed_with_their_times() -> None:
    pitches = np.concatenate([np.full(10, np.nan), np.full(30, 60.1), np.linspace(60.1, 64, 5), np.full(40, 64.0)])
    notes = played_notes(PitchCurve(pitches))
    assert [(round(note.note, 1), note.start_s) for note in notes] == [(60.1, 0.1), (64.0, 0.44)]
    assert notes[0].end_s == pytest.approx(0.41, abs=0.011)


def test_a_note_that_wavers_is_one_note() -> None:
    wavering = 60 + 0.4 * np.sin(np.arange(200) * HOP_S * 2 * np.pi * 6)
    assert len(played_notes(PitchCurve(wavering))) == 1


def test_what_is_passed_on_the_way_is_no_note() -> None:
    assert played_notes(PitchCurve(np.linspace(50, 80, 100))) == []


@pytest.mark.parametrize(("start_s", "first"), [(0.02, 62.0), (0.0, 60.0)])
def test_a_curve_from_a_later_time_on(start_s: float, first: float) -> None:
    assert PitchCurve(np.array([60.0, 61.0, 62.0])).from_s(start_s).notes[0] == first


def test_before_its_beginning_a_curve_is_silent() -> None:
    shifted = PitchCurve(np.array([60.0])).from_s(-0.02).notes
    assert np.array_equal(shifted, [np.nan, np.nan, 60.0], equal_nan=True)
