"""Notes, frequencies and the pitch of a hand. Pure.

Notes are numbered as in MIDI: a semitone is 1, and A4 = 440 Hz is 69.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from tidzam.errors import ConfigError

_NAMES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_NOTE: Final = re.compile(r"([A-Ga-g])([#b]?)(-?\d)")
_A4, _A4_HZ = 69, 440.0


def hz_of(note: float) -> float:
    """The frequency of a note in equal temperament.

    >>> hz_of(57)
    220.0
    """
    return float(_A4_HZ * 2 ** ((note - _A4) / 12))


def note_of(frequency_hz: float) -> float:
    """The inverse of `hz_of`: a note, with a fraction."""
    return _A4 + 12 * math.log2(frequency_hz / _A4_HZ)


def name_of(note: float) -> str:
    """The name of the nearest note.

    >>> name_of(60.2)
    'C4'
    """
    octave, step = divmod(round(note), 12)
    return f"{_NAMES[step]}{octave - 1}"


def parse_note(text: str) -> int:
    """The note that a name such as `C4`, `F#3` or `Bb4` designates. Raises ConfigError for anything else."""
    found = _NOTE.fullmatch(text)
    if found is None:
        raise ConfigError(f"{text!r} is not the name of a note.", hint="Names are like C4, F#3 or Bb4.")
    letter, accidental, octave = found.groups()
    shift = {"#": 1, "b": -1, "": 0}[accidental]
    return _NAMES.index(letter.upper()) + shift + 12 * (int(octave) + 1)


@dataclass(frozen=True, kw_only=True)
class PitchRange:
    """How the area of a hand becomes a note: from `lowest` at `smallest_area` to `highest` at `largest_area`.

    Areas are shares of the picture. In between, the note is linear in the logarithm of the area: each time the area
    doubles, the tone rises by the same interval. Areas beyond the limits give the lowest or the highest note.
    """

    lowest: float
    highest: float
    smallest_area: float
    largest_area: float

    def note_of_area(self, area: float) -> float:
        """The note of an area, which must be greater than 0.

        >>> PitchRange(lowest=48, highest=72, smallest_area=0.02, largest_area=0.32).note_of_area(0.08)
        60.0
        """
        span = math.log2(self.largest_area / self.smallest_area)
        place = math.log2(max(area, self.smallest_area) / self.smallest_area) / span
        return self.lowest + (self.highest - self.lowest) * min(place, 1.0)

    def area_of_note(self, note: float) -> float:
        """The inverse of `note_of_area` within the range."""
        place = (note - self.lowest) / (self.highest - self.lowest)
        return float(self.smallest_area * (self.largest_area / self.smallest_area) ** place)


DEFAULT_RANGE: Final = PitchRange(lowest=55, highest=79, smallest_area=0.02, largest_area=0.32)
"""Two octaves, from G3 to G5; a hand of twice the area sounds half an octave higher."""
