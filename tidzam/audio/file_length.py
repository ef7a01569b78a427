"""The length, channels and sample rate of an audio file, from its header where that states them."""

from __future__ import annotations

import os
from pathlib import Path

import soundfile

from tidzam.audio.files import open_audio
from tidzam.audio.ogg_length import AudioLength, ogg_length
from tidzam.audio.part import FileBytes
from tidzam.errors import TidzamError

_STATED = 1 << 50
"""A file that does not state its number of frames has more than this, according to libsndfile."""


def file_length(path: Path) -> AudioLength | None:
    """The length of a recording; None if it cannot be read, or holds no audio."""
    try:
        return _from_header(path) or _by_reading(path)
    except (OSError, ValueError, TidzamError):
        return None


def _from_header(path: Path) -> AudioLength | None:
    """Raises OSError if the file cannot be opened."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if path.suffix.lower() in (".ogg", ".opus"):
            return ogg_length(FileBytes(descriptor))
        with soundfile.SoundFile(descriptor, closefd=False) as file:
            frames, channels, rate_hz = file.frames, file.channels, file.samplerate
    except (soundfile.LibsndfileError, TypeError):  # TypeError: a format that has no name
        return None
    finally:
        os.close(descriptor)
    return AudioLength(frames / rate_hz, channels, rate_hz) if 0 < frames < _STATED else None


def _by_reading(path: Path) -> AudioLength | None:
    """For chained and damaged files. Raises TidzamError."""
    with open_audio(path) as audio:
        frames = audio.length() or audio.frames
        if frames is None and audio.expected_s is not None:
            return AudioLength(audio.expected_s, audio.channels, audio.rate_hz)
        return AudioLength(frames / audio.rate_hz, audio.channels, audio.rate_hz) if frames else None
