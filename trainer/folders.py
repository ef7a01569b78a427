"""Audio folders as a dataset: one folder a class, and a split that keeps what comes from one recording together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tidzam.audio.features import Float32
from tidzam.audio.files import read_audio
from tidzam.audio.resample import resample
from tidzam.clips import Clip, find_clips, find_files, group_of
from tidzam.errors import AudioError, DatasetError

__all__ = ["Clip", "Sound", "classes_of", "find_clips", "find_files", "group_of", "load", "split"]

TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class Sound:
    """A clip in memory: mono, shape (frames,), float32 in -1…1, at the rate it was asked for."""

    clip: Clip
    samples: Float32


def classes_of(clips: Iterable[Clip]) -> tuple[str, ...]:
    """The labels, sorted. Raises DatasetError if there is only one: then there is nothing to tell apart."""
    labels = tuple(sorted({clip.label for clip in clips}))
    if len(labels) < 2:
        raise DatasetError(
            f"There is only one class: {labels[0]!r}.", hint="Add a folder of what it is to be told from."
        )
    return labels


def split(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Train and validation clips, about 80 to 20, the same on every machine.

    A recording is on one side, whatever classes it has clips in. A class whose recordings all fell on the training
    side gives its last one for validation, if it has two.
    """
    held_out = {clip.group for clip in clips if _lot(clip.group) >= TRAIN_SHARE}
    for label in {clip.label for clip in clips}:
        groups = sorted({clip.group for clip in clips if clip.label == label}, key=_lot)
        if len(groups) > 1 and not held_out.intersection(groups):
            held_out.add(groups[-1])
        if len(groups) > 1 and held_out.issuperset(groups):
            held_out.discard(groups[0])
    train = [clip for clip in clips if clip.group not in held_out]
    return train, [clip for clip in clips if clip.group in held_out]


def _lot(group: str) -> float:
    """A number in 0…1 that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4]) / 2**32


def load(clips: Sequence[Clip], *, rate_hz: int, threads: int = 2) -> Iterator[Sound | tuple[Path, str]]:
    """Read `clips` in their order, brought to mono and `rate_hz`: each as a Sound, or as its path and what is wrong.

    Several threads, because decoding and resampling run outside the interpreter's lock.
    """
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(lambda clip: _load_one(clip, rate_hz), clips)


def _load_one(clip: Clip, rate_hz: int) -> Sound | tuple[Path, str]:
    try:
        samples, native_hz = read_audio(clip.path)
    except AudioError as error:
        return clip.path, str(error)
    return Sound(clip, resample(samples.mean(axis=0, keepdims=True), native_hz, rate_hz)[0])
