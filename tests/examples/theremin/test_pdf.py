"""The PDF of a performance, rendered to pictures."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from numpy.typing import NDArray

from examples.theremin.melody import Melody, Note, parse_melody
from examples.theremin.pdf import PLAYED_COLOR, SONG_COLOR, PerformanceSheet, write_pdf
from examples.theremin.pitch import HOP_S, PitchCurve, played_notes
from examples.theremin.scoring import score

MELODY = parse_melody(["title Scale", "tempo 60", "count-in 0", *["C4:1 D4:1 E4:1 F4:1 G4:1"] * 4])
AT = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


def sheet(melody: Melody | None, notes: tuple[Note, ...] = MELODY.notes) -> PerformanceSheet:
    pitches = np.full(round((max(note.end_s for note in notes) if notes else 1.0) / HOP_S), np.nan)
    for note in notes:
        pitches[round(note.start_s / HOP_S) : round(note.end_s / HOP_S)] = note.note
    curve = PitchCurve(pitches)
    return PerformanceSheet(curve, played_notes(curve), melody, score(melody, curve) if melody else None, AT)


def pages(folder: Path, shown: PerformanceSheet) -> tuple[list[str], list[NDArray[np.uint8]]]:
    """The text of each page, and its picture of shape (height, width, 3)."""
    write_pdf(folder / "notes.pdf", shown)
    document: Any = pypdfium2.PdfDocument(folder / "notes.pdf")
    texts = [page.get_textpage().get_text_range() for page in document]
    return texts, [np.asarray(page.render(scale=1.0).to_pil().convert("RGB")) for page in document]


def pixels(picture: NDArray[np.uint8], color: str) -> int:
    """How many pixels have nearly that color."""
    wanted = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)])
    return int((np.abs(picture.astype(int) - wanted).max(axis=2) < 8).sum())


def test_the_pages_show_song_notes_and_score(tmp_path: Path) -> None:
    texts, pictures = pages(tmp_path, sheet(MELODY))
    assert len(texts) == 2
    assert "Scale" in texts[0]
    assert "score 100 of 100" in texts[0]
    assert "2026-05-01 12:30 UTC" in texts[0]
    assert pixels(pictures[0], SONG_COLOR) > 2000
    assert pixels(pictures[0], PLAYED_COLOR) > 100


def test_every_note_played_is_listed(tmp_path: Path) -> None:
    texts, _ = pages(tmp_path, sheet(MELODY))
    assert [texts[1].count(f" {name} ") for name in ("C4", "D4", "E4", "F4", "G4")] == [4] * 5


def test_a_free_play_has_no_song_and_no_score(tmp_path: Path) -> None:
    texts, pictures = pages(tmp_path, sheet(None))
    assert "Free play" in texts[0]
    assert "score" not in texts[0]
    assert pixels(pictures[0], SONG_COLOR) < 50


@pytest.mark.parametrize(("length_s", "count"), [(40, 2), (100, 4)])
def test_long_performances_have_more_pages(length_s: int, count: int, tmp_path: Path) -> None:
    notes = tuple(Note(start, start + 0.9, 60.0 + start % 7) for start in range(length_s))
    texts, _ = pages(tmp_path, sheet(None, notes))
    assert len(texts) == count


def test_silence_has_a_page(tmp_path: Path) -> None:
    texts, _ = pages(tmp_path, sheet(MELODY, ()))
    assert "0 notes played" in texts[0]
