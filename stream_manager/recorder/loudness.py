"""How loud a recorded file is, and how a recorder reports that to the stream manager."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final, Self

from tidzam.recorded_sound.sections import SectionMeter

_MOST_BYTES: Final = 32_768
"""What fits into a line of the recorder's messages; a day-long file of five channels has less. Of others, the console
finds out the peaks."""


@dataclass(frozen=True)
class Loudness:
    """The peak of a file, as a fraction of full scale, and those of its sections, as in
    `tidzam.recorded_sound.sections`; None if they are not known."""

    max_amp: float | None = None
    section_peaks: bytes | None = None

    @classmethod
    def of(cls, meter: SectionMeter) -> Self:
        """What was measured."""
        return cls(meter.peak, meter.stored or None)

    @property
    def text(self) -> str:
        """The peaks of the sections as text; empty if they are not known, or too many."""
        stored = self.section_peaks or b""
        return base64.b64encode(stored).decode() if len(stored) <= _MOST_BYTES else ""

    @classmethod
    def parse(cls, max_amp: float | None, text: str) -> Self:
        """The inverse of `text`. Raises ValueError."""
        return cls(max_amp, base64.b64decode(text, validate=True) or None)
