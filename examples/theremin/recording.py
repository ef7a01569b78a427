"""The recording: one WAV file, made of what the recorder has written."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from examples.theremin.performance import SongSound
from tidzam.audio.files import open_audio
from tidzam.types import Float32

_LOUD = 0.01


def join(files: Sequence[Path], target: Path) -> Path:
    """Move the files of a recorder, which follow one another, to one WAV file. Raises AudioError."""
    first, *others = sorted(files)
    if not others:
        return Path(shutil.move(first, target))
    with open_audio(first) as audio:
        rate_hz, channels = audio.rate_hz, audio.channels
    with soundfile.SoundFile(target, "w", rate_hz, channels, "PCM_16") as joined:
        for file in (first, *others):
            with open_audio(file) as audio:
                for block in audio.blocks():
                    joined.write(block)
    for file in (first, *others):
        file.unlink()
    return target


def song_start_s(recorded: Float32, rate_hz: int, song: SongSound) -> float | None:
    """When the song begins in a recording of it, shape (frames,): by its first sound. None if it is not heard."""
    heard, known = first_loud(recorded), first_loud(song.samples)
    if heard is None or known is None:
        return None
    return heard / rate_hz - known / song.rate_hz


def first_loud(samples: Float32) -> int | None:
    """The index of the first sample that is louder than -40 dBFS."""
    loud = np.flatnonzero(np.abs(samples) > _LOUD)
    return int(loud[0]) if len(loud) else None
