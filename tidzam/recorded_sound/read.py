"""Reading the sound of a plan, and writing it as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from tidzam.audio.files import AudioFile, open_audio
from tidzam.audio.resample import resample
from tidzam.errors import AudioError
from tidzam.recorded_sound.plan import SoundGap, SoundPiece, SoundPlan, gaps_between
from tidzam.types import Float32

SoundFormat = Literal["flac", "wav", "opus"]

MEDIA_TYPES: Final = {"flac": "audio/flac", "wav": "audio/wav", "opus": "audio/ogg"}
_SUFFIX_OF_OPUS: Final = "ogg"
_OPUS_RATES_HZ: Final = (8000, 12000, 16000, 24000, 48000)
_LOSSLESS: Final = (".flac", ".wav")
_PART: Final = 1 << 20
"""Samples that are converted and written at once."""


def read_sound(plan: SoundPlan, channel: int) -> tuple[Float32, tuple[SoundGap, ...]]:
    """The samples (frames,) of a channel, counted from 0, and its gaps: also what files prove to lack when they are
    read, such as those that were deleted meanwhile."""
    samples = np.zeros(plan.frames, np.float32)
    read: list[tuple[int, int]] = []
    for piece in plan.pieces:
        found = _read_piece(piece, plan.rate_hz, channel)
        samples[piece.at_frame : piece.at_frame + len(found)] = found
        read.append((piece.at_frame, len(found)))
    return samples, gaps_between(read, plan.frames, plan.rate_hz)


def _read_piece(piece: SoundPiece, rate_hz: int, channel: int) -> Float32:
    """At most the frames of a piece, at `rate_hz`; none if the file cannot be read or lacks the channel."""
    try:
        start_s, duration_s = piece.first_frame / rate_hz, piece.frames / rate_hz
        with open_audio(piece.file.path, start_s=start_s) as audio:
            if channel >= audio.channels:
                return np.zeros(0, np.float32)
            samples, found_hz = _read_channel(audio, channel, round(duration_s * audio.rate_hz)), audio.rate_hz
    except AudioError:
        return np.zeros(0, np.float32)
    return resample(samples[np.newaxis], found_hz, rate_hz)[0, : piece.frames]


def _read_channel(audio: AudioFile, channel: int, frames: int) -> Float32:
    """At most the next `frames` of a channel, shape (frames,). The others are held for a block only."""
    samples, at = np.empty(frames, np.float32), 0
    for block in audio.blocks():
        part = block[: frames - at, channel]
        samples[at : at + len(part)] = part
        at += len(part)
        if at == frames:
            break
    return samples[:at]


def suffix_of(sound_format: SoundFormat) -> str:
    """The suffix of a file of this format."""
    return _SUFFIX_OF_OPUS if sound_format == "opus" else sound_format


def write_sound(path: Path, samples: Float32, rate_hz: int, sound_format: SoundFormat, *, bits: int = 16) -> None:
    """Write one channel (frames,): exactly, if it has 16 or 24 `bits`, or with Opus at the next rate that it supports.

    Raises OSError.
    """
    if sound_format == "opus":
        to_hz = next((rate for rate in _OPUS_RATES_HZ if rate >= rate_hz), _OPUS_RATES_HZ[-1])
        samples, rate_hz = resample(samples[np.newaxis], rate_hz, to_hz)[0], to_hz
    kind = {"flac": "FLAC", "wav": "WAV", "opus": "OGG"}[sound_format]
    subtype = "OPUS" if sound_format == "opus" else f"PCM_{bits}"
    try:
        with soundfile.SoundFile(path, "w", rate_hz, 1, subtype=subtype, format=kind) as file:
            for first in range(0, len(samples), _PART):
                part = samples[first : first + _PART]
                file.write(part if sound_format == "opus" else _as_integers(part, bits))
    except soundfile.LibsndfileError as error:
        raise OSError(f"{path.name} cannot be written: {error.error_string}") from None


def bits_of(plan: SoundPlan, samples: Float32) -> int:
    """How many bits samples need that were read from files without loss: 16 or 24. Others need no more than 16."""
    is_lossless = all(piece.file.path.suffix.lower() in _LOSSLESS for piece in plan.pieces)
    scaled = samples * 32768
    return 24 if is_lossless and bool((scaled != np.rint(scaled)).any()) else 16


def _as_integers(samples: Float32, bits: int) -> NDArray[np.int32]:
    """Samples as libsndfile writes them without a change: 32-bit integers of which the upper `bits` are used.

    libsndfile multiplies floating-point samples by 32767, and divides by 32768 when it reads them.
    """
    most = 1 << (bits - 1)
    rounded = np.clip(np.rint(samples.astype(np.float64) * most), -most, most - 1)
    return (rounded.astype(np.int64) << (32 - bits)).astype(np.int32)
