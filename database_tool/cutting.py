"""From a section of an audio file to samples: consecutive or overlapping windows, and their features."""

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
from tidzam.text import plural
from tidzam.types import Float32

SEGMENT_S = 60.0
"""Audio that one job decodes. A long file becomes several jobs, so that no process holds all of it in memory."""

LONG_FILE_BYTES = 1_000_000
"""From this size on, a file is divided into jobs by its length. A megabyte of Opus may be six minutes."""

DENSE_SUFFIXES = frozenset({".flac", ".ogg", ".oga", ".opus", ".mp3"})
"""Formats in which a small file may contain hours of silence; their length is looked up quickly."""

BATCH_WINDOWS = 64
"""Windows whose audio is in memory while their features are computed."""

Channels = Literal["mix", "each"]


@dataclass(frozen=True, kw_only=True)
class Cutting:
    """How samples are cut: `spec.window_s` long, one every `hop_s`, from a downmix (`mix`) or from `each` channel."""

    spec: FeatureSpec
    hop_s: float
    channels: Channels = "mix"


@dataclass(frozen=True)
class CutJob:
    """Windows of a clip, as a job for a worker: `count` of them from window `first` on; None is all that follow."""

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
    """The result of a job.

    `features` is (n, frames, mels) in dB, `offsets_s` (n,) the start of each sample in the file, `channels` (n,) its
    channel, or -1 for a downmix. If the file cannot be read, there are no samples and `reason` explains why.
    `incomplete` is set if a part of the file could not be read.
    """

    features: Float32
    offsets_s: NDArray[np.float64]
    channels: NDArray[np.int16]
    rate_hz: int = 0
    reason: str = ""
    incomplete: bool = False


def window_count(length: int, window: int, hop: int) -> int:
    """How many windows are cut from `length` frames. The last one may reach past the end.

    It is cut if at least half a hop of it is in no window before it, or if it is the only one.
    """
    whole = (length - window) // hop + 1 if length >= window else 0
    rest = length - max(window + (whole - 1) * hop, whole * hop) if whole else length
    return whole + (whole == 0 or rest >= hop / 2)


def jobs_of(number: int, clip: Clip, cutting: Cutting) -> Iterator[CutJob]:
    """The jobs of clip `number`: one, unless the file is long."""

    def job(first: int, count: int | None) -> CutJob:
        return CutJob(number, clip.path, clip.start_s, clip.duration_s, clip.channel, first, count, cutting)

    length_s = _length_s(clip)
    per_job = max(1, round(SEGMENT_S / cutting.hop_s))
    first = 0
    while length_s - first * cutting.hop_s > SEGMENT_S + cutting.spec.window_s:
        yield job(first, per_job)
        first += per_job
    yield job(first, None)


def cut(job: CutJob) -> Cut:
    """Decode the windows of a job and compute their features. Never raises AudioError: see `Cut.reason`."""
    cutting = job.cutting
    try:
        samples, rate_hz, start_s, incomplete = _read(job)
    except AudioError as error:
        start_s = job.start_s + job.first * cutting.hop_s
        past_end = error.code == "audio_empty" and start_s > 0
        return _unread(cutting, f"{job.path} ends before {start_s:g} s." if past_end else error.message)
    window, hop = round(cutting.spec.window_s * rate_hz), round(cutting.hop_s * rate_hz)
    count = _count(job, samples.shape[1], rate_hz)
    needed = (count - 1) * hop + window
    samples = np.pad(samples[:, :needed], ((0, 0), (0, max(0, needed - samples.shape[1]))))
    windows = np.lib.stride_tricks.sliding_window_view(samples, window, axis=1)[:, ::hop].reshape(-1, window)
    features = [
        window_features(windows[at : at + BATCH_WINDOWS], rate_hz, cutting.spec)
        for at in range(0, len(windows), BATCH_WINDOWS)
    ]
    levels = np.concatenate(features)
    if not are_levels(levels):
        return _unread(cutting, f"The features of {job.path} are not finite.")
    return Cut(
        levels,
        np.tile(start_s + np.arange(count) * hop / rate_hz, len(samples)),
        np.repeat(np.array(_channel_numbers(job, len(samples)), np.int16), count),
        rate_hz,
        incomplete=incomplete,
    )


def _unread(cutting: Cutting, reason: str) -> Cut:
    return Cut(np.empty((0, *cutting.spec.shape), np.float32), np.empty(0), np.empty(0, np.int16), reason=reason)


def audio_of(origin: Origin, duration_s: float) -> tuple[Float32, int]:
    """The audio of a sample, (frames,) in -1…1, and its rate in Hz. Raises AudioError."""
    audio, rate_hz = read_audio(Path(origin.file), start_s=origin.offset_s, duration_s=duration_s)
    if origin.channel is None or len(audio) == 1:  # an extracted clip is mono, whatever channel it was extracted from
        return audio.mean(axis=0), rate_hz
    return _channel(audio, origin.channel, Path(origin.file)), rate_hz


def _channel(audio: Float32, number: int, path: Path) -> Float32:
    if number >= len(audio):
        raise AudioError(f"{path} has no channel {number}, only {plural(len(audio), 'channel')}, counted from 0.")
    channel: Float32 = audio[number]
    return channel


def _length_s(clip: Clip) -> float:
    """The length of a clip, or 0 if it need not be divided or cannot be read, which `cut` will report."""
    if clip.duration_s is not None:
        return clip.duration_s
    try:
        if clip.path.stat().st_size < LONG_FILE_BYTES and clip.path.suffix.lower() not in DENSE_SUFFIXES:
            return 0.0
        frames, rate_hz = audio_length(clip.path)
    except (OSError, AudioError):
        return 0.0
    return frames / rate_hz - clip.start_s


def _read(job: CutJob) -> tuple[Float32, int, float, bool]:
    """The audio of a job, (channels, frames), its rate, its start in the file, and whether the file has faults.

    A clip shorter than a window is extended on both sides with the audio around it.
    """
    window_s, hop_s = job.cutting.spec.window_s, job.cutting.hop_s
    start_s, duration_s = job.start_s, job.duration_s
    if duration_s is not None and duration_s < window_s:
        start_s = max(0.0, start_s + duration_s / 2 - window_s / 2)
    at_s = start_s + job.first * hop_s
    if job.count is not None:
        reach_s: float | None = (job.count - 1) * hop_s + window_s + 1.0
    else:
        reach_s = None if duration_s is None else start_s + duration_s - at_s + window_s + 1.0
    samples, rate_hz, incomplete = read_audio_and_faults(job.path, start_s=at_s, duration_s=reach_s)
    missing_s = window_s - samples.shape[1] / rate_hz
    if start_s < job.start_s and missing_s > 0:  # extended past the end of the file
        at_s = max(0.0, at_s - missing_s)
        samples, rate_hz = read_audio(job.path, start_s=at_s, duration_s=reach_s)
    if job.channel is not None:
        samples = _channel(samples, job.channel, job.path)[None]
    elif job.cutting.channels == "mix":
        samples = samples.mean(axis=0, keepdims=True)
    return samples, rate_hz, at_s, incomplete


def _count(job: CutJob, frames: int, rate_hz: int) -> int:
    """The number of windows of a job, of which `frames` frames could be read."""
    window, hop = round(job.cutting.spec.window_s * rate_hz), round(job.cutting.hop_s * rate_hz)
    if job.duration_s is not None:
        frames = min(frames, max(1, round(job.duration_s * rate_hz) - job.first * hop))
    count = window_count(frames, window, hop)
    return count if job.count is None else min(count, job.count)


def _channel_numbers(job: CutJob, channels: int) -> list[int]:
    if job.channel is not None:
        return [job.channel]
    return [-1] if job.cutting.channels == "mix" else list(range(channels))
