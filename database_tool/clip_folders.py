"""Cuts clips out of audio files, as a folder with a folder of sound files per class, which the trainer reads."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import soundfile

from tidzam.audio.files import read_audio
from tidzam.clips import Clip
from tidzam.errors import AudioError, DatasetError
from tidzam.naming import clip_stem, parse_clip_name, port_name
from tidzam.progress import Progress, Say, no_progress
from tidzam.types import Float32


@dataclass(frozen=True)
class CutClips:
    """The number of clips of each class, and of those whose files cannot be read."""

    classes: Mapping[str, int]
    unreadable: int


def cut_clips(
    clips: Sequence[Clip], folder: Path, *, least_s: float = 0.0, say: Say, progress: Progress = no_progress
) -> CutClips:
    """Write each clip as FLAC, at the rate of its file, to a new `folder`, which exists only once it is complete.

    Clips are extended on both sides to at least `least_s`, as far as their files reach. Files that cannot be read are
    reported to `say` and left out. Raises DatasetError if the folder exists, if it cannot be written, or if no clip is
    left.
    """
    if folder.exists():
        raise DatasetError(f"{folder} exists already.", hint="Choose another name.", code="dataset_place")
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    counts, unreadable = Counter[str](), 0
    try:
        for number, clip in enumerate(clips, start=1):
            try:
                _write(clip, unfinished / clip.label, least_s)
                counts[clip.label] += 1
            except AudioError as error:
                unreadable += 1
                say(f"left out: {error.message}")
            progress(number, len(clips))
        if not counts:
            raise DatasetError("No clip could be read.", hint="Check that the files are there.", code="dataset_empty")
        unfinished.rename(folder)
    except (OSError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{folder} cannot be written: {reason}."
        raise DatasetError(message, hint="Make room on the disk.", code="dataset_write") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return CutClips(dict(counts), unreadable)


def _write(clip: Clip, folder: Path, least_s: float) -> None:
    clip = _extended(clip, least_s)
    samples, rate_hz = read_audio(clip.path, start_s=clip.start_s, duration_s=clip.duration_s)
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(os.fsencode(_free(clip, folder)), _mono(clip, samples), rate_hz, subtype="PCM_16")


def _free(clip: Clip, folder: Path) -> Path:
    """A file that does not exist: files in several folders may have one name, and channels of a file the same start."""
    paths = (folder / f"{_stem(clip, number)}.flac" for number in count())
    return next(path for path in paths if not path.exists())


def _extended(clip: Clip, least_s: float) -> Clip:
    if clip.duration_s is None or clip.duration_s >= least_s:
        return clip
    start_s = max(0.0, clip.start_s - (least_s - clip.duration_s) / 2)
    return replace(clip, start_s=start_s, duration_s=least_s)


def _mono(clip: Clip, samples: Float32) -> Float32:
    """The channel of a clip, or all channels as one."""
    if clip.channel is None:
        mixed: Float32 = samples.mean(axis=0)
        return mixed
    if clip.channel >= len(samples):
        raise AudioError(f"{clip.path} has no channel {clip.channel}, counted from 0.")
    channel: Float32 = samples[clip.channel]
    return channel


def _stem(clip: Clip, number: int) -> str:
    """A name from which `tidzam.clips.group_of` finds the recording, with the time at which the clip begins.

    Each `number` makes another one: of a recording with a date, so many milliseconds later.
    """
    recording = parse_clip_name(clip.path)
    if recording is None:
        stem = f"{clip.path.stem}-{round(1000 * clip.start_s)}"
        return f"{stem}-{number + 1}" if number else stem
    start = recording.time + timedelta(seconds=clip.start_s, milliseconds=number)
    channel = clip.channel if recording.channel is None else recording.channel
    return clip_stem(port_name(recording.source, channel or 0), start)
