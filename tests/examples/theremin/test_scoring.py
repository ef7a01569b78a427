"""How well a melody was followed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.theremin import scoring
from examples.theremin.melody import Melody, Note, parse_melody
from examples.theremin.pitch import HOP_S, Float64, PitchCurve
from examples.theremin.scoring import align, cost, score

MELODY = parse_melody(["tempo 120", "count-in 2", "C4:1 D4:1 E4:1 R:1 G4:2 C4:1"])
PITCHES = st.lists(st.one_of(st.just(float("nan")), st.floats(50, 70)), min_size=1, max_size=12)


def performance(melody: Melody = MELODY, *, late_s: float = 0.0, off: float = 0.0, until_s: float = 9.0) -> PitchCurve:
    """Somebody who plays every note late and off by some semitones."""
    pitches = np.full(round(until_s / HOP_S), np.nan)
    for note in melody.notes:
        pitches[round((note.start_s + late_s) / HOP_S) : round((note.end_s + late_s) / HOP_S)] = note.note + off
    return PitchCurve(pitches)


def test_who_plays_the_melody_has_all_points() -> None:
    result = score(MELODY, performance())
    assert result is not None
    assert (result.pitch, result.onsets, result.points) == pytest.approx((1, 1, 100))


@pytest.mark.parametrize("late_s", [-0.2, 0.1, 0.3])
def test_who_is_late_loses_points_for_onsets_only(late_s: float) -> None:
    result = score(MELODY, performance(late_s=late_s))
    assert result is not None
    assert result.pitch > 0.95
    assert result.onsets == pytest.approx(1 - abs(late_s) / scoring.ONSET_S, abs=0.06)
    assert [note.shift_s for note in result.results] == pytest.approx([late_s] * 5, abs=0.021)


def test_a_semitone_beside_it_counts() -> None:
    result = score(MELODY, performance(off=0.9))
    assert result is not None
    assert result.pitch == 1


@pytest.mark.parametrize("off", [5.0, 12.0])
def test_wrong_notes_do_not_count(off: float) -> None:
    result = score(MELODY, performance(off=off))
    assert result is not None
    assert result.points < 10


def test_silence_has_no_points() -> None:
    result = score(MELODY, PitchCurve(np.full(900, np.nan)))
    assert result is not None
    assert result.points == 0


def test_notes_that_were_not_due_do_not_count() -> None:
    result = score(MELODY, performance(until_s=2.2))
    assert result is not None
    assert (len(result.results), result.of_notes) == (3, 5)
    assert result.points > 95


def test_without_a_due_note_there_is_no_score() -> None:
    assert score(MELODY, performance(until_s=0.5)) is None


def test_repeated_notes_are_not_shifted() -> None:
    melody = Melody("same", (Note(0.2, 0.7, 60.0), Note(0.7, 1.2, 60.0), Note(1.2, 1.7, 60.0)))
    result = score(melody, performance(melody))
    assert result is not None
    assert result.onsets == 1


def naive_total(wanted: Float64, heard: Float64) -> float:
    """The cost of the cheapest path, cell by cell."""
    band = round(scoring.MAX_SHIFT_S / scoring.STEP_S)
    total: dict[tuple[int, int], float] = {}
    for i in range(len(wanted)):
        for j in range(max(0, i - band), min(len(heard), i + band + 1)):
            ways = [total.get((i - 1, j - 1), np.inf)]
            ways += [total.get(cell, np.inf) + scoring._WARP_COST for cell in ((i - 1, j), (i, j - 1))]
            total[i, j] = float(cost(wanted[i], heard[j])) + (0.0 if (i, j) == (0, 0) else min(ways))
    return min(value for (i, _), value in total.items() if i == len(wanted) - 1)


@given(PITCHES, PITCHES)
@settings(max_examples=60)
def test_the_path_is_the_cheapest_one(wanted: list[float], heard: list[float]) -> None:
    one, other = np.array(wanted), np.array(heard)
    path = align(one, other)
    warps = int((np.diff(path, axis=0).sum(axis=1) == 1).sum())
    paid = cost(one[path[:, 0]], other[path[:, 1]]).sum() + scoring._WARP_COST * warps
    assert paid == pytest.approx(naive_total(one, other), abs=1e-6)


@given(PITCHES, PITCHES)
@settings(max_examples=60)
def test_the_path_goes_forward_step_by_step(wanted: list[float], heard: list[float]) -> None:
    path = align(np.array(wanted), np.array(heard))
    steps = {tuple(step) for step in np.diff(path, axis=0).tolist()}
    assert tuple(path[0]) == (0, 0)
    assert steps <= {(0, 1), (1, 0), (1, 1)}
