"""What was played: the pitch of the recorded tone, and the notes in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from examples.theremin.melody import Note
from tidzam.types import Float32

Float64 = NDArray[np.floating]

HOP_S: Final = 0.01
SILENT: Final = 0.004
"""Sections whose RMS value is smaller have no pitch (-48 dBFS)."""
LOWEST_HZ: Final = 80.0
"""Longer periods are no tone: samples were lost in them, or the tone is too low to be measured."""
SAME_NOTE: Final = 0.6
"""A note goes on as long as the pitch differs from it by at most so many semitones."""
SHORTEST_S: Final = 0.1
"""Shorter notes are not listed: the tone passes many on its way from one to another."""


@dataclass(frozen=True)
class PitchCurve:
    """A pitch every HOP_S: `notes`, as numbers of MIDI with fractions, NaN in silence. The first one is at 0 s."""

    notes: Float64

    @property
    def times_s(self) -> Float64:
        """The time of each pitch."""
        return np.arange(len(self.notes)) * HOP_S

    def from_s(self, start_s: float) -> PitchCurve:
        """The curve from a time on, which becomes 0 s. Before the beginning, there is silence."""
        hops = round(start_s / HOP_S)
        if hops >= 0:
            return PitchCurve(self.notes[hops:])
        return PitchCurve(np.concatenate([np.full(-hops, np.nan), self.notes]))


def periods(samples: Float32, rate_hz: int) -> tuple[Float64, Float64]:
    """The times (s) in the middle of the periods of a tone, and their frequencies (Hz), from its upward zero crossings.

    Crossings are interpolated between samples. `samples` have the shape (frames,). Meant for a tone on a channel of
    its own, such as that of `voice`.
    """
    x = samples.astype(np.float64)
    before = np.flatnonzero((x[:-1] < 0) & (x[1:] >= 0))
    crossings = before + x[before] / (x[before] - x[before + 1])
    lengths = np.diff(crossings)
    good = (lengths > 0) & (lengths < rate_hz / LOWEST_HZ)
    middle = (crossings[:-1] + crossings[1:]) / 2
    return middle[good] / rate_hz, rate_hz / lengths[good]


def pitch_curve(samples: Float32, rate_hz: int) -> PitchCurve:
    """The pitch of a recorded tone, shape (frames,): the median of the periods in each section of HOP_S and
    in those beside it."""
    hop = round(HOP_S * rate_hz)
    count = len(samples) // hop
    levels = np.sqrt(np.mean(samples[: count * hop].reshape(count, hop).astype(np.float64) ** 2, axis=1))
    times_s, frequencies_hz = periods(samples, rate_hz)
    notes = 69 + 12 * np.log2(frequencies_hz / 440)
    edges = np.searchsorted(times_s, np.arange(count + 1) * HOP_S)
    curve = np.full(count, np.nan)
    for index in np.flatnonzero(levels > SILENT):
        # Its neighbors count, too: a low tone has few crossings in a section, and one may lie beside lost samples.
        low, high = edges[max(int(index) - 1, 0)], edges[min(int(index) + 2, count)]
        if high > low:
            curve[index] = np.median(notes[low:high])
    return PitchCurve(curve)


def played_notes(curve: PitchCurve) -> list[Note]:
    """The notes in a curve: sections in which the pitch stays near one, to a cent (the median)."""
    return [note for note in _sections(curve.notes) if note.end_s - note.start_s >= SHORTEST_S - HOP_S / 2]


def _sections(pitches: Float64) -> Iterator[Note]:
    start, center = 0, np.nan
    for index, pitch in enumerate([*pitches, np.nan]):
        if abs(pitch - center) <= SAME_NOTE:
            continue
        if not np.isnan(center):
            median = round(float(np.median(pitches[start:index])), 2)
            yield Note(round(start * HOP_S, 3), round(index * HOP_S, 3), median)
        start, center = index, np.round(pitch)
