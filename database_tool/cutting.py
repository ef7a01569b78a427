"""From a stretch of a sound file to samples: windows side by side, or overlapping, and their features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.audio.files import audio_length, read_audio, read_audio_and_faults
from tidzam.audio.windows import window_features
from tidzam.clips import Clip
from tidzam.dataset import Origin
from tidzam.dataset.arrays import are_levels
from tidzam.errors import AudioError
from tidzam.types import Float32

PIECE_S = 60.0
LONG_FILE_BYTES = 1_000_000
"""From this size on a file is worth a look at its length: it may be cut piece by piece, by several processes, none of
which holds all of it in memory. A megabyte of Opus may be six minutes."""

DENSE_SUFFIXES = frozenset({".flac", ".ogg", ".oga", ".opus", ".mp3"})
"""A small file of these may hold hours of silence. Their length is known quickly."""

AT_ONCE = 64
"""Windows whose sound is held in memory while their features are worked out."""

Channels = Literal["mix", "each"]


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How samples are cut: `spec.window_s` long, one every `hop_s`, of all channels as one (mix) or of each."""

    spec: FeatureSpec
    hop_s: float
    channels: Channels = "mix"


@dataclass(frozen=True)
class Piece:
    """Some windows of a clip: `count` from number `first` on, or all that follow if it is None. A job of a worker."""

    clip: int
    path: Path
    start_s: float
    duration_s: float | None
    channel: int | None
    first: int
    count: int | None
    cutting: Cutting


@dataclass(frozen=True)
class Cut:
    """What came of a piece: features (n, frames, mels) in dB; where each sample begins, and its channel (-1: mixed).

    `reason` says why there are none, if a file cannot be read. `incomplete`: not all of it could be read.
    """

    features: Float32
    offsets_s: NDArray[np.float64]
    channels: NDArray[np.int16]
    rate_hz: int = 0
    reason: str = ""
    incomplete: bool = False


def window_count(length: int, window: int, hop: int) -> int:
    """How many windows a stretch of `length` frames gives: the last may reach beyond its end.

    It is given if it brings at least half a hop that no window before it held, or if it is the only one.
    """
    whole = (length - window) // hop + 1 if length >= window else 0
    rest = length - max(window + (whole - 1) * hop, whole * hop) if whole else length
    return whole + (whole == 0 or rest >= hop / 2)


def pieces_of(number: int, clip: Clip, cutting: Cutting) -> Iterator[Piece]:
    """The pieces of clip `number`: one, unless its file is long."""

    def piece(first: int, count: int | None) -> Piece:
        return Piece(number, clip.path, clip.start_s, clip.duration_s, clip.channel, first, count, cutting)

    length_s = _length_s(clip)
    per_piece = max(1, round(PIECE_S / cutting.hop_s))
    first = 0
    while length_s - first * cutting.hop_s > PIECE_S + cutting.spec.window_s:
        yield piece(first, per_piece)
        first += per_piece
    yield piece(first, None)


def cut(piece: Piece) -> Cut:
    """Read a piece and work out its features. What cannot be read is a Cut without samples, and its reason."""
    cutting = piece.cutting
    try:
        samples, rate_hz, start_s, incomplete = _read(piece)
    except AudioError as error:
        start_s = piece.start_s + piece.first * cutting.hop_s
        behind = error.code == "audio_empty" and start_s > 0
        reason = f"{piece.path} ends before {start_s:g} s." if behind else error.message
        return _unread(cutting, reason)
    window, hop = round(cutting.spec.window_s * rate_hz), round(cutting.hop_s * rate_hz)
    count = _count(piece, samples.shape[1], rate_hz)
    needed = (count - 1) * hop + window
    samples = np.pad(samples[:, :needed], ((0, 0), (0, max(0, needed - samples.shape[1]))))
    windows = np.lib.stride_tricks.sliding_window_view(samples, window, axis=1)[:, ::hop].reshape(-1, window)
    features = [
        window_features(windows[at : at + AT_ONCE], rate_hz, cutting.spec) for at in range(0, len(windows), AT_ONCE)
    ]
    levels = np.concatenate(features)
    if not are_levels(levels):
        return _unread(cutting, f"{piece.path} yields features that are not finite.")
    channels = _channel_numbers(piece, len(samples))
    return Cut(
        levels,
        np.tile(start_s + np.arange(count) * hop / rate_hz, len(samples)),
        np.repeat(np.array(channels, np.int16), count),
        rate_hz,
        incomplete=incomplete,
    )


def _unread(cutting: Cutting, reason: str) -> Cut:
    return Cut(np.empty((0, *cutting.spec.shape), np.float32), np.empty(0), np.empty(0, np.int16), reason=reason)


def sound_of(origin: Origin, duration_s: float) -> tuple[Float32, int]:
    """What a sample was made of: its channel, or all as one, (frames,), and the rate. Raises AudioError."""
    sound, rate_hz = read_audio(Path(origin.file), start_s=origin.offset_s, duration_s=duration_s)
    if origin.channel is None or len(sound) == 1:  # a kept clip is mono, and says which channel it was
        return sound.mean(axis=0), rate_hz
    return _channel(sound, origin.channel, Path(origin.file)), rate_hz


def _channel(sound: Float32, number: int, path: Path) -> Float32:
    if number >= len(sound):
        have = "one channel" if len(sound) == 1 else f"{len(sound)} channels"
        raise AudioError(f"{path} has {have}; channels count from 0, and there is no channel {number}.")
    channel: Float32 = sound[number]
    return channel


def _length_s(clip: Clip) -> float:
    if clip.duration_s is not None:
        return clip.duration_s
    try:
        if clip.path.stat().st_size < LONG_FILE_BYTES and clip.path.suffix.lower() not in DENSE_SUFFIXES:
            return 0.0
        frames, rate_hz = audio_length(clip.path)
    except (OSError, AudioError):  # told when it is to be cut
        return 0.0
    return frames / rate_hz - clip.start_s


def _read(piece: Piece) -> tuple[Float32, int, float, bool]:
    """The sound of a piece, (channels, frames), its rate, where it begins, and whether the file has faults.

    A stretch shorter than a window is widened around its middle, with what the file holds there.
    """
    window_s, hop_s = piece.cutting.spec.window_s, piece.cutting.hop_s
    start_s, duration_s = piece.start_s, piece.duration_s
    if duration_s is not None and duration_s < window_s:
        start_s = max(0.0, start_s + duration_s / 2 - window_s / 2)
    at_s = start_s + piece.first * hop_s
    if piece.count is not None:
        reach_s: float | None = (piece.count - 1) * hop_s + window_s + 1.0
    else:
        reach_s = None if duration_s is None else start_s + duration_s - at_s + window_s + 1.0
    samples, rate_hz, incomplete = read_audio_and_faults(piece.path, start_s=at_s, duration_s=reach_s)
    missing_s = window_s - samples.shape[1] / rate_hz
    if start_s < piece.start_s and missing_s > 0:  # widened beyond the file's end
        at_s = max(0.0, at_s - missing_s)
        samples, rate_hz = read_audio(piece.path, start_s=at_s, duration_s=reach_s)
    if piece.channel is not None:
        samples = _channel(samples, piece.channel, piece.path)[None]
    elif piece.cutting.channels == "mix":
        samples = samples.mean(axis=0, keepdims=True)
    return samples, rate_hz, at_s, incomplete


def _count(piece: Piece, frames: int, rate_hz: int) -> int:
    """The windows of a piece, of which `frames` were there to be read."""
    window, hop = round(piece.cutting.spec.window_s * rate_hz), round(piece.cutting.hop_s * rate_hz)
    if piece.duration_s is not None:
        frames = min(frames, max(1, round(piece.duration_s * rate_hz) - piece.first * hop))
    count = window_count(frames, window, hop)
    return count if piece.count is None else min(count, piece.count)


def _channel_numbers(piece: Piece, channels: int) -> list[int]:
    if piece.channel is not None:
        return [piece.channel]
    return [-1] if piece.cutting.channels == "mix" else list(range(channels))
