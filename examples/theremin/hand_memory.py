"""What the camera sees of the player, in memory that two processes share: only the latest reading, and no lock.

    word 0    pitch and loudness as two float32, packed into one 64-bit integer
    word 1    readings so far

A reading is one aligned 64-bit store, which is atomic: the tone never sees the pitch of one reading with the loudness
of another, and neither process ever waits for the other. Readings that nobody saw are overwritten.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_BYTES: Final = 16
_PAIR: Final = struct.Struct("<ff")
_WORD: Final = struct.Struct("<q")


@dataclass(frozen=True)
class HandReading:
    """The player as one picture shows them.

    `area` is that of the hand that sets the pitch, as a share of the picture, 0 to 1; NaN if there is no hand.
    `loudness` is from 0 to 1.
    """

    area: float
    loudness: float

    @property
    def is_hand(self) -> bool:
        """Whether a hand was seen."""
        return not math.isnan(self.area)


NO_HAND: Final = HandReading(math.nan, 0.0)


class HandMemory:
    """The latest reading, in the memory file `fd`. One process writes, any number read."""

    def __init__(self, fd: int) -> None:
        """Attach to the memory file, which grows to the size that is needed."""
        if os.fstat(fd).st_size < _BYTES:
            os.ftruncate(fd, _BYTES)
        self._words: NDArray[np.int64] = np.frombuffer(mmap.mmap(fd, _BYTES), np.int64)

    @classmethod
    def create(cls) -> tuple[HandMemory, int]:
        """A new memory file without a name, and its descriptor, for child processes to inherit."""
        fd = os.memfd_create("theremin-hand")
        memory = cls(fd)
        memory.write(NO_HAND)
        return memory, fd

    def write(self, reading: HandReading) -> None:
        """Replace the reading."""
        self._words[0] = _WORD.unpack(_PAIR.pack(reading.area, reading.loudness))[0]
        self._words[1] += 1

    def read(self) -> HandReading:
        """The latest reading."""
        return unpack(self.word)

    @property
    def word(self) -> int:
        """The latest reading, packed: cheap to compare with the one before."""
        return int(self._words[0])

    @property
    def count(self) -> int:
        """The number of readings so far."""
        return int(self._words[1])


def unpack(word: int) -> HandReading:
    """The reading in a word of the memory."""
    return HandReading(*_PAIR.unpack(_WORD.pack(word)))
