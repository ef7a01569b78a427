"""The song: a melody read from a text file, and its sound.

title Ode to Joy        may be left out
tempo 96                beats per minute
count-in 4              clicks before the first note, one per beat; 4 by default
E4:1 F4:0.5 R:2         notes and rests with their beats; `#` begins a comment at the start of a line
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from examples.theremin.notes import hz_of, parse_note
from tidzam.errors import ConfigError
from tidzam.types import Float32

DEFAULT_SONG: Final = Path(__file__).parent / "songs" / "ode_to_joy.txt"
_ITEM: Final = re.compile(r"([A-Ga-g][#b]?-?\d|R):(\d+(?:\.\d+)?)")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_CLICK_HZ, _CLICK_S = 1760.0, 0.03
_ATTACK_S, _RELEASE_S = 0.01, 0.06
_DECAY_S: Final = 0.7
_LEVEL: Final = 0.25
_TAIL_S: Final = 1.0
"""Silence at the end of the sound, for the player to finish the last note."""


@dataclass(frozen=True)
class Note:
    """A note of the melody, or one that was played: seconds since the beginning, and its number."""

    start_s: float
    end_s: float
    note: float


@dataclass(frozen=True)
class Melody:
    """The notes of a song, and when the clicks of its count-in are (seconds)."""

    title: str
    notes: tuple[Note, ...]
    clicks_s: tuple[float, ...] = ()

    @property
    def end_s(self) -> float:
        """When the last note ends."""
        return self.notes[-1].end_s


def read_melody(path: Path) -> Melody:
    """The melody in a text file. Raises ConfigError with the line that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The song {path} cannot be read: {error}.", hint="A song is a text file.") from error
    return parse_melody(lines, name=path.name)


def parse_melody(lines: list[str], *, name: str = "song") -> Melody:
    """The melody in the lines of a file. Raises ConfigError."""
    fields: dict[str, str] = {"title": Path(name).stem, "count-in": "4"}
    items: list[tuple[int | None, float]] = []
    for number, line in enumerate(lines, start=1):
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            continue
        if word in ("title", "tempo", "count-in"):
            fields[word] = rest.strip()
        else:
            items += [_item(text, f"{name}, line {number}") for text in line.split()]
    if not any(note is not None for note, _ in items):
        raise ConfigError(f"The song {name} has no notes.", hint="Write them as `E4:1 F4:0.5`.")
    beat_s = 60.0 / _positive(fields, "tempo", name)
    clicks = tuple(beat_s * index for index in range(int(_positive(fields, "count-in", name, least=0))))
    return Melody(fields["title"], tuple(_notes(items, beat_s, beat_s * len(clicks))), clicks)


def _item(text: str, where: str) -> tuple[int | None, float]:
    found = _ITEM.fullmatch(text)
    if found is None or float(found[2]) == 0:
        raise ConfigError(f"{where}: {text!r} is not a note.", hint="Write notes as `E4:1`, and rests as `R:1`.")
    return (None if found[1] == "R" else parse_note(found[1])), float(found[2])


def _positive(fields: dict[str, str], key: str, name: str, *, least: float = 1) -> float:
    text = fields.get(key, "")
    if not _NUMBER.fullmatch(text) or not least <= float(text) <= 400:
        what = f"is {text!r}" if text else "is missing"
        raise ConfigError(f"{name}: {key} {what}; expected {least:g} to 400.", hint=f"Add a line such as `{key} 96`.")
    return float(text)


def _notes(items: list[tuple[int | None, float]], beat_s: float, start_s: float) -> Iterator[Note]:
    beats = 0.0
    for note, length in items:
        if note is not None:
            yield Note(start_s + beats * beat_s, start_s + (beats + length) * beat_s, float(note))
        beats += length


def render(melody: Melody, rate_hz: int) -> Float32:
    """The sound of a melody, shape (frames,): clicks, then notes like those of a plucked string."""
    sound = np.zeros(round((melody.end_s + _TAIL_S) * rate_hz), np.float32)
    for click_s in melody.clicks_s:
        _add(sound, click_s, _pluck(_CLICK_HZ, _CLICK_S, rate_hz), rate_hz)
    for note in melody.notes:
        _add(sound, note.start_s, _pluck(hz_of(note.note), note.end_s - note.start_s, rate_hz), rate_hz)
    return sound


def _pluck(frequency_hz: float, duration_s: float, rate_hz: int) -> Float32:
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    wave = np.zeros(len(time_s))
    for partial in (1, 2, 3, 4):
        wave += (
            np.sin(2 * np.pi * partial * frequency_hz * time_s) * np.exp(-time_s * partial / _DECAY_S) / partial**1.5
        )
    ends = np.minimum(time_s / _ATTACK_S, (duration_s - time_s) / _RELEASE_S)
    return np.asarray(_LEVEL * wave * np.clip(ends, 0, 1), np.float32)


def _add(sound: Float32, start_s: float, part: Float32, rate_hz: int) -> None:
    start = round(start_s * rate_hz)
    sound[start : start + len(part)] += part[: len(sound) - start]
