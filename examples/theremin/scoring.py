"""How well a melody was followed: pitch and onsets, after dynamic time warping. Pure.

The pitch curve of the melody and that of the performance are aligned by dynamic time warping (Sakoe and Chiba 1978),
which may shift the performance by up to MAX_SHIFT_S. Then

    pitch   the share of the steps of the alignment in which the melody sounds and the tone is within a semitone of it
    onsets  the mean over the melody's notes of max(0, 1 - |shift| / ONSET_S), where the shift is by how much later or
            earlier the alignment puts the beginning of the note; 0 for a note of which less than half was hit
    score   100 (pitch + onsets) / 2
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from examples.theremin.melody import Melody, Note
from examples.theremin.pitch import HOP_S, Float64, PitchCurve

STEP: Final = 2
"""Every STEP-th pitch of the curves is compared: one every 20 ms."""
STEP_S: Final = STEP * HOP_S
MAX_SHIFT_S: Final = 1.0
ONSET_S: Final = 0.5
SEMITONE: Final = 1.0
_MOST: Final = 6.0
"""Cost of a wrong pitch, in semitones, at most: that of silence instead of a note, too."""
_WARP_COST: Final = 0.05
"""Cost of a step that stretches one of the curves, so that steady notes are aligned without it."""


@dataclass(frozen=True)
class NoteResult:
    """A note of the melody as it was played: the share that was hit, and by how much its beginning was shifted."""

    note: Note
    hit: float
    shift_s: float

    @property
    def onset(self) -> float:
        """What its beginning contributes, 0 to 1."""
        return max(0.0, 1 - abs(self.shift_s) / ONSET_S) if self.hit >= 0.5 else 0.0


@dataclass(frozen=True)
class MelodyScore:
    """The result of a performance; `pitch` and `onsets` are from 0 to 1. `results` are of the notes that were due."""

    pitch: float
    onsets: float
    results: tuple[NoteResult, ...]
    of_notes: int

    @property
    def points(self) -> float:
        """0 to 100."""
        return 50 * (self.pitch + self.onsets)


def score(melody: Melody, played: PitchCurve) -> MelodyScore | None:
    """The score of a performance whose beginning is that of the song.

    Notes that had not begun when the recording ended do not count. None if there was none.
    """
    end_s = len(played.notes) * HOP_S
    due = tuple(note for note in melody.notes if note.start_s + STEP_S < end_s)
    if not due:
        return None
    wanted = curve_of(due, min(due[-1].end_s, end_s))
    heard = played.notes[: round((due[-1].end_s + MAX_SHIFT_S) / HOP_S)][::STEP]
    path = align(wanted, heard)
    distance = np.abs(wanted[path[:, 0]] - heard[path[:, 1]])
    hit = np.nan_to_num(distance, nan=_MOST) <= SEMITONE
    sounds = ~np.isnan(wanted[path[:, 0]])
    results = tuple(_result(note, path, hit) for note in due)
    onsets = float(np.mean([result.onset for result in results]))
    return MelodyScore(float(hit[sounds].mean()), onsets, results, len(melody.notes))


def curve_of(notes: tuple[Note, ...], end_s: float) -> Float64:
    """The pitch of a melody every STEP_S until `end_s`, NaN in rests."""
    curve = np.full(round(end_s / STEP_S), np.nan)
    for note in notes:
        curve[round(note.start_s / STEP_S) : round(note.end_s / STEP_S)] = note.note
    return curve


def _result(note: Note, path: NDArray[np.intp], hit: NDArray[np.bool_]) -> NoteResult:
    first, last = round(note.start_s / STEP_S), round(note.end_s / STEP_S)
    inside = (path[:, 0] >= first) & (path[:, 0] < last)
    begin = path[inside & (path[:, 0] == first)]
    shift = int(begin[0, 1] - first) if len(begin) else 0
    return NoteResult(note, float(hit[inside].mean()) if inside.any() else 0.0, shift * STEP_S)


def cost(wanted: Float64, heard: Float64) -> Float64:
    """The cost of each pair of pitches that broadcast against each other: semitones, at most _MOST."""
    distance = np.minimum(np.abs(wanted - heard), _MOST)
    silent, mute = np.isnan(wanted), np.isnan(heard)
    return np.where(silent & mute, 0.0, np.where(silent | mute, _MOST, distance))


def align(wanted: Float64, heard: Float64) -> NDArray[np.intp]:
    """The cheapest path through both curves, shape (steps, 2): indices into `wanted` and `heard`.

    It begins with the first pitches, and ends with the last of `wanted`. Indices differ by at most MAX_SHIFT_S.
    """
    band = round(MAX_SHIFT_S / STEP_S)
    rows, width = len(wanted), 2 * band + 1
    total = np.full((rows, width), np.inf)  # total[i, k]: the cheapest path to (i, i + k - band)
    for i in range(rows):
        columns = np.arange(width) + i - band
        inside = (columns >= 0) & (columns < len(heard))
        price = np.where(inside, cost(wanted[i], heard[np.clip(columns, 0, len(heard) - 1)]), np.inf)
        if i == 0:
            reached = np.where(columns == 0, 0.0, np.inf)
        else:
            above = np.append(total[i - 1, 1:], np.inf) + _WARP_COST
            reached = np.minimum(total[i - 1], above)
        total[i] = _sweep(price, reached)
    return _trace(total, wanted, heard, band)


def _sweep(price: Float64, reached: Float64) -> Float64:
    """A row of totals: each cell is reached from the row before (`reached`), or from the cell to its left.

    total[k] = price[k] + min(reached[k], total[k - 1] + _WARP_COST), for all k at once: with the sums S of prices and
    warps, it is S[k] - _WARP_COST + the minimum over l <= k of reached[l] - S[l - 1].
    """
    finite = np.where(np.isinf(price), 1e6, price)
    sums = np.cumsum(finite + _WARP_COST)
    best = np.minimum.accumulate(reached - np.concatenate([[0.0], sums[:-1]]) - _WARP_COST)
    return np.where(np.isinf(price), np.inf, sums + best)


def _trace(total: Float64, wanted: Float64, heard: Float64, band: int) -> NDArray[np.intp]:
    """The path to the cheapest end, from its end to its beginning."""
    i, k = len(total) - 1, int(np.argmin(total[-1]))
    path = [(i, i + k - band)]
    while (i, i + k - band) != (0, 0):
        options = [
            (total[i - 1, k] if i else np.inf, i - 1, k),
            (total[i - 1, k + 1] + _WARP_COST if i and k + 1 < total.shape[1] else np.inf, i - 1, k + 1),
            (total[i, k - 1] + _WARP_COST if k else np.inf, i, k - 1),
        ]
        _, i, k = min(options, key=lambda option: option[0])
        path.append((i, i + k - band))
    return np.array(path[::-1], np.intp)
