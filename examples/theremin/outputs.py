"""What comes of a recording: the PDF, the score, the list of notes, and the e-mail about them."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import numpy as np

from examples.theremin.mail import SmtpSettings, message, send
from examples.theremin.melody import Melody
from examples.theremin.notes import name_of
from examples.theremin.pdf import PerformanceSheet, write_pdf
from examples.theremin.performance import SongSound
from examples.theremin.pitch import HOP_S, PitchCurve, pitch_curve, played_notes
from examples.theremin.recording import song_start_s
from examples.theremin.scoring import score
from tidzam.atomic import write_atomically
from tidzam.audio.files import read_audio
from tidzam.errors import ConfigError


@dataclass(frozen=True)
class Outputs:
    """The files of a performance."""

    recording: Path
    pdf: Path
    score: Path
    notes: Path
    sheet: PerformanceSheet


@contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """The folder exists while the context is open; a new one is removed afterwards if it is still empty.

    Raises ConfigError if it cannot be used.
    """
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"{folder} cannot be used: {reason}.", hint="--out names a folder to write to.") from error
    try:
        yield
    finally:
        if is_new:
            with suppress(OSError):  # it is used
                folder.rmdir()


def make_outputs(recording: Path, melody: Melody | None, song: SongSound | None, folder: Path) -> Outputs:
    """Write everything about a recording to `folder`. Its first channel is the tone, and the second one is the song.

    Times are from the beginning of the song; without one, from the first tone. Raises AudioError.
    """
    samples, rate_hz = read_audio(recording)
    curve = pitch_curve(samples[0], rate_hz)
    has_song = song is not None and len(samples) > 1
    start_s = song_start_s(samples[1], rate_hz, song) if has_song and song is not None else None
    sung = melody if start_s is not None else None
    curve = curve.from_s(start_s if start_s is not None else _first_s(curve))
    result = score(sung, curve) if sung is not None else None
    at = datetime.fromtimestamp(recording.stat().st_mtime, UTC)
    sheet = PerformanceSheet(curve, played_notes(curve), sung, result, at)
    found = Outputs(recording, folder / "notes.pdf", folder / "score.json", folder / "notes.csv", sheet)
    write_pdf(found.pdf, sheet)
    _write_notes(found.notes, sheet)
    write_atomically(found.score, json.dumps(_figures(sheet), indent=1) + "\n")
    return found


def _first_s(curve: PitchCurve) -> float:
    sounding = np.flatnonzero(~np.isnan(curve.notes))
    return float(sounding[0]) * HOP_S if len(sounding) else 0.0


def _write_notes(path: Path, sheet: PerformanceSheet) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["start_s", "end_s", "note", "name"])
        writer.writerows([note.start_s, note.end_s, note.note, name_of(note.note)] for note in sheet.played)


def _figures(sheet: PerformanceSheet) -> dict[str, object]:
    figures: dict[str, object] = {"song": sheet.title, "notes_played": len(sheet.played)}
    if sheet.score is None:
        return figures
    results = [
        {
            "note": name_of(result.note.note),
            "start_s": round(result.note.start_s, 3),
            "hit": round(result.hit, 3),
            "shift_s": round(result.shift_s, 3),
        }
        for result in sheet.score.results
    ]
    points = {"points": sheet.score.points, "pitch": sheet.score.pitch, "onsets": sheet.score.onsets}
    return {**figures, **{name: round(value, 4) for name, value in points.items()}, "notes_of_song": results}


def mail_outputs(
    outputs: Outputs, to: str, settings: SmtpSettings | None, *, sender: str, attach_recording: bool
) -> EmailMessage:
    """Write `mail.eml` beside the PDF, with it and the score, and send it unless `settings` is None.

    Raises ConfigError and NodeError.
    """
    sheet = outputs.sheet
    files = (outputs.pdf, outputs.recording) if attach_recording else (outputs.pdf,)
    text = f"{sheet.title}, played on {sheet.at:%Y-%m-%d} at {sheet.at:%H:%M} UTC.\n\n{sheet.summary}.\n"
    points = "" if sheet.score is None else f": {sheet.score.points:.0f} of 100"
    mail = message(sender=sender, to=to, subject=f"Theremin: {sheet.title}{points}", text=text, files=files)
    write_atomically(outputs.pdf.parent / "mail.eml", bytes(mail))
    if settings is not None:
        send(mail, settings)
    return mail
