"""The PDF of a performance: a piano roll with the song, the notes played and the pitch curve, and a list of notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from examples.theremin.melody import Melody, Note
from examples.theremin.notes import name_of
from examples.theremin.pitch import PitchCurve
from examples.theremin.scoring import MelodyScore
from tidzam.text import plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_IN: Final = (11.7, 8.3)
"""A4, landscape."""
ROW_S: Final = 15.0
ROWS: Final = 3
LISTED: Final = 108
COLUMNS: Final = 4
SONG_COLOR, PLAYED_COLOR, CURVE_COLOR = "#b8c7dd", "#2e9e5b", "#1d1d1f"


@dataclass(frozen=True)
class PerformanceSheet:
    """What the PDF shows. The times of `melody`, `curve` and `played` have the same beginning."""

    curve: PitchCurve
    played: Sequence[Note]
    melody: Melody | None
    score: MelodyScore | None
    at: datetime

    @property
    def title(self) -> str:
        """The song."""
        return self.melody.title if self.melody else "Free play"

    @property
    def summary(self) -> str:
        """One line about what was played."""
        notes = f"{plural(len(self.played), 'note')} played"
        if self.score is None:
            return notes
        score = self.score
        due = f"{len(score.results)} of {score.of_notes} notes of the song were due"
        return (
            f"score {score.points:.0f} of 100: within a semitone {score.pitch:.0%}, onsets {score.onsets:.0%}; "
            f"{notes}, {due}"
        )


def write_pdf(path: Path, sheet: PerformanceSheet) -> None:
    """Write all pages."""
    from matplotlib.backends.backend_pdf import PdfPages

    with PdfPages(path, metadata={"Title": f"Theremin: {sheet.title}", "CreationDate": sheet.at}) as pages:
        for page in (*_rolls(sheet), *_lists(sheet)):
            pages.savefig(page)


def _page(sheet: PerformanceSheet, subtitle: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=PAGE_IN)
    figure.text(0.06, 0.945, sheet.title, fontsize=20, weight="bold")
    figure.text(0.94, 0.95, f"{sheet.at:%Y-%m-%d %H:%M} UTC", fontsize=10, ha="right")
    figure.text(0.06, 0.915, subtitle, fontsize=11)
    return figure


def _rolls(sheet: PerformanceSheet) -> Iterator[Figure]:
    """Pages of ROWS rows of ROW_S seconds each."""
    length_s = max([1.0, *(note.end_s for note in sheet.played), *(note.end_s for note in _song(sheet))])
    rows = math.ceil(length_s / ROW_S)
    limits = _limits(sheet)
    for first in range(0, rows, ROWS):
        figure = _page(sheet, sheet.summary)
        for place, row in enumerate(range(first, min(first + ROWS, rows))):
            axes = figure.add_axes((0.06, 0.655 - 0.285 * place, 0.88, 0.225))
            _draw_row(axes, sheet, row * ROW_S, limits)
            if place == 0:
                axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=9)
        yield figure


def _song(sheet: PerformanceSheet) -> Sequence[Note]:
    return sheet.melody.notes if sheet.melody else ()


def _limits(sheet: PerformanceSheet) -> tuple[int, int]:
    """The lowest and the highest note that is drawn, at least an octave apart."""
    notes = [note.note for note in (*sheet.played, *_song(sheet))] or [60.0]
    low, high = math.floor(min(notes)) - 2, math.ceil(max(notes)) + 2
    return low, max(high, low + 12)


def _draw_row(axes: Any, sheet: PerformanceSheet, start_s: float, limits: tuple[int, int]) -> None:
    low, high = limits
    for key in range(low, high + 1):
        if name_of(key)[1] == "#":
            axes.axhspan(key - 0.5, key + 0.5, color="#f4f4f6", lw=0)
    for index, note in enumerate(_song(sheet)):
        label = "song" if index == 0 else None
        axes.barh(note.note, note.end_s - note.start_s, 0.9, note.start_s, color=SONG_COLOR, lw=0, label=label)
    for index, note in enumerate(sheet.played):
        label = "notes played" if index == 0 else None
        box = {"facecolor": "none", "edgecolor": PLAYED_COLOR, "lw": 1.3, "label": label}
        axes.barh(round(note.note), note.end_s - note.start_s, 0.9, note.start_s, **box)
    axes.plot(sheet.curve.times_s, sheet.curve.notes, color=CURVE_COLOR, lw=0.9, label="pitch")
    axes.set_xlim(start_s, start_s + ROW_S)
    axes.set_ylim(low - 0.5, high + 0.5)
    shown = [key for key in range(low, high + 1) if name_of(key)[0] in "CEGA" and name_of(key)[1] != "#"]
    axes.set_yticks(shown, [name_of(key) for key in shown], fontsize=8)
    axes.set_xticks(np.arange(start_s, start_s + ROW_S + 1))
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color="#e2e2e6", lw=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("seconds", fontsize=8, loc="right", labelpad=1)


def _lists(sheet: PerformanceSheet) -> Iterator[Figure]:
    """Pages with LISTED notes each, in COLUMNS columns."""
    per_column = LISTED // COLUMNS
    for first in range(0, len(sheet.played), LISTED):
        figure = _page(sheet, "Notes played: start and duration in seconds, deviation in cents")
        for index, note in enumerate(sheet.played[first : first + LISTED]):
            column, row = divmod(index, per_column)
            cents = round(100 * (note.note - round(note.note)))
            text = (
                f"{first + index + 1:4d}  {note.start_s:7.2f}  {name_of(note.note):<4}"
                f"{note.end_s - note.start_s:5.2f}  {cents:+4d}"
            )
            figure.text(0.06 + 0.225 * column, 0.87 - 0.0305 * row, text, family="monospace", fontsize=9)
        yield figure
