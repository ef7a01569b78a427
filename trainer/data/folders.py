"""Audio folders as training data: decoded on demand, and cached as long as memory allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec, extract_sequence
from tidzam.audio.files import audio_length, read_audio
from tidzam.audio.resample import resample
from tidzam.clips import Clip
from tidzam.dataset import Origin
from tidzam.errors import AudioError, DatasetError
from tidzam.types import Float32
from trainer.data.cache import SequenceCache
from trainer.data.source import BACKGROUND

SEGMENT_S = 60.0
"""Longer files are divided into segments of about this length, so that drawing a window decodes one segment only."""
CACHE_BYTES = 512 << 20
SCANNERS = 4


@dataclass(frozen=True)
class Unreadable:
    """A file that cannot be read, and the reason."""

    path: Path
    reason: str


@dataclass(frozen=True)
class ScannedClips:
    """The readable segments of some clips, their sample rates, and the files that cannot be read."""

    segments: tuple[Clip, ...]
    rates_hz: frozenset[int]
    bad: tuple[Unreadable, ...]


class FolderSource:
    """Feature sequences of audio files, mixed to mono. Clips whose label is not in `classes` are background."""

    def __init__(
        self, segments: Sequence[Clip], classes: Sequence[str], spec: FeatureSpec, *, cache_bytes: int = CACHE_BYTES
    ) -> None:
        self.classes, self.spec = tuple(classes), spec
        numbers = {label: number for number, label in enumerate(self.classes)}
        self.labels: NDArray[np.int64] = np.array(
            [numbers.get(segment.label, BACKGROUND) for segment in segments], dtype=np.int64
        )
        self.groups = [segment.group for segment in segments]
        self._segments = tuple(segments)
        self._cache = SequenceCache(cache_bytes)

    def __len__(self) -> int:
        return len(self._segments)

    def sequence(self, index: int) -> Float32:
        return self._cache.get(index, lambda: _read_sequence(self._segments[index], self.spec))

    def origin(self, index: int) -> Origin:
        segment = self._segments[index]
        return Origin(str(segment.path), segment.start_s, segment.channel, group=segment.group)


def scan(clips: Sequence[Clip]) -> ScannedClips:
    """Open every file once. Clips that cannot be decoded are listed in `bad`."""
    segments: list[Clip] = []
    rates_hz: set[int] = set()
    bad: list[Unreadable] = []
    for found in _look(clips):
        if isinstance(found, Unreadable):
            bad.append(found)
        else:
            rates_hz.add(found.rate_hz)
            segments += _segments_of(found.clip, found.length_s)
    return ScannedClips(tuple(segments), frozenset(rates_hz), tuple(bad))


@dataclass(frozen=True)
class _Found:
    clip: Clip
    length_s: float
    rate_hz: int


def _look(clips: Sequence[Clip]) -> Iterator[_Found | Unreadable]:
    with ThreadPoolExecutor(SCANNERS) as pool:  # the disk is the bottleneck, and libsndfile releases the GIL
        yield from pool.map(_look_into, clips)


def _look_into(clip: Clip) -> _Found | Unreadable:
    try:
        frames, rate_hz = audio_length(clip.path)
    except AudioError as error:
        return Unreadable(clip.path, str(error))
    length_s = frames / rate_hz
    if clip.start_s >= length_s:
        return Unreadable(
            clip.path, f"{clip.path} is {length_s:.1f} s long, but the clip starts at {clip.start_s:g} s."
        )
    return _Found(clip, length_s, rate_hz)


def _segments_of(clip: Clip, length_s: float) -> Iterable[Clip]:
    """The segments of a clip in a file of `length_s`. A rest of less than half a segment is added to the last one."""
    end_s = length_s if clip.duration_s is None else min(length_s, clip.start_s + clip.duration_s)
    count = max(1, round((end_s - clip.start_s) / SEGMENT_S))
    starts_s = [clip.start_s + k * SEGMENT_S for k in range(count)]
    ends_s = [*starts_s[1:], end_s]
    return (
        replace(clip, start_s=start_s, duration_s=end_s - start_s)
        for start_s, end_s in zip(starts_s, ends_s, strict=True)
    )


def _read_sequence(segment: Clip, spec: FeatureSpec) -> Float32:
    try:
        samples, rate_hz = read_audio(segment.path, start_s=segment.start_s, duration_s=segment.duration_s)
    except AudioError as error:
        raise DatasetError(
            f"{segment.path} can no longer be read: {error.message}",
            hint="Restore the file, then continue with --resume.",
            code="dataset_changed",
        ) from None
    channels = slice(None) if segment.channel is None else slice(segment.channel, segment.channel + 1)
    mono = samples[channels].mean(axis=0, keepdims=True)
    return extract_sequence(resample(mono, rate_hz, spec.rate_hz)[0], spec)
