"""The windows of unlabeled audio: which there are, and which of them a forest is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.files import audio_length, open_audio
from tidzam.audio.folder_walk import walk
from tidzam.embeddings.windows import AudioWindow, UnreadableAudio
from tidzam.errors import AudioError, DatasetError

PARTS: Final = 5
"""One part in five is set aside."""
_LONGEST_BLOCK: Final = 60
"""Windows that follow one another and stay together."""


@dataclass(frozen=True)
class UnlabeledFile:
    """An audio file."""

    path: Path
    channels: int
    length_s: float


@dataclass(frozen=True)
class UnlabeledAudio:
    """The audio files that can be read, with their channels and lengths, and those that cannot."""

    files: tuple[UnlabeledFile, ...]
    bad: tuple[UnreadableAudio, ...] = ()

    @property
    def duration_s(self) -> float:
        """The duration of all channels together."""
        return sum(one.channels * one.length_s for one in self.files)

    def windows(self, window_s: float, *, most: int) -> list[AudioWindow]:
        """Windows of each channel, one after the other; of more than `most`, as many at equal distances."""
        found = [
            AudioWindow(one.path, number * window_s, channel)
            for one in self.files
            for channel in range(one.channels)
            for number in range(int(one.length_s / window_s + 1e-6))
        ]
        if len(found) <= most:
            return found
        return [found[index] for index in np.linspace(0, len(found) - 1, most).astype(int).tolist()]


def find_audio(places: Iterable[Path]) -> UnlabeledAudio:
    """The audio files at `places`, which are files or folders. Raises DatasetError if there are none to read."""
    files, bad = [], []
    for path in dict.fromkeys(path for place in places for path in _files(place)):
        try:
            with open_audio(path) as audio:
                channels = audio.channels
            frames, rate_hz = audio_length(path)
            files.append(UnlabeledFile(path, channels, frames / rate_hz))
        except AudioError as error:
            bad.append(UnreadableAudio(path, error.message))
    if not files:
        raise DatasetError(
            f"{', '.join(map(str, places))}: there is no audio that can be read.",
            hint=bad[0].reason if bad else "Specify a folder with audio files, or a file.",
        )
    return UnlabeledAudio(tuple(files), tuple(bad))


def _files(place: Path) -> Sequence[Path]:
    if place.is_dir():
        return walk(place).files
    return [place]


def set_aside(count: int) -> NDArray[np.bool_]:
    """Which of `count` windows in order are set aside: the last of each five blocks. Blocks are at most 60 windows
    long, so that what lasts is in one part, and all hours are in both. Shape (count,), bool.

    >>> set_aside(10).tolist()
    [False, False, False, False, False, False, False, False, True, True]
    """
    block = max(1, min(_LONGEST_BLOCK, count // PARTS))
    numbers = np.arange(count) // block % PARTS
    return np.asarray(numbers == PARTS - 1)
