"""Which recordings are deleted: the oldest, as far as the settings of a source require. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tidzam.config.recording import KeepSettings
from tidzam.naming import split_date

RECORDING_SUFFIXES: Final = frozenset({".opus", ".ogg", ".flac", ".wav"})
_GB: Final = 1_000_000_000
_DAY_S: Final = 86_400


@dataclass(frozen=True)
class RecordedFile:
    """A complete recording: when it starts, when it was last written to (its end), and its size.

    Both times are by the system clock of that time, which may have been wrong. `age_s` is the time for which the
    recording has certainly existed, in seconds. One that `is_kept` is marked, and never deleted.
    """

    path: Path
    start: datetime
    end: datetime
    bytes: int
    age_s: float
    is_kept: bool = False


@dataclass(frozen=True)
class Deletion:
    """A recording to delete, and which limit requires that."""

    file: RecordedFile
    reason: str


def recording_of(name: str, source: str) -> datetime | None:
    """When the recording of `source` with this file name starts; None for any other file."""
    path = Path(name)
    if path.suffix not in RECORDING_SUFFIXES:
        return None
    stem, start = split_date(path.stem)
    return start if stem == source else None


def to_delete(files: Iterable[RecordedFile], keep: KeepSettings, *, free_bytes: int) -> Sequence[Deletion]:
    """The recordings of one source that must go, oldest first: by their age, and if that is equal, by their start.

    `days` is the age at which a recording goes, whatever its date. `max_gb` and `min_free_gb` are met by as few
    deletions as possible; if deleting all recordings does not free enough, all go. Kept recordings count, but stay.
    """
    remaining = sorted(files, key=lambda file: (-file.age_s, file.start, file.path))
    total, deletions = sum(file.bytes for file in remaining), []
    for file in remaining:
        if file.is_kept:
            continue
        if keep.days is not None and file.age_s > keep.days * _DAY_S:
            reason = f"older than keep.days, {keep.days:g}"
        elif keep.max_gb is not None and total > keep.max_gb * _GB:
            reason = f"the recordings have more than keep.max_gb, {keep.max_gb:g} GB"
        elif keep.min_free_gb is not None and free_bytes < keep.min_free_gb * _GB:
            reason = f"less than keep.min_free_gb is free, {keep.min_free_gb:g} GB"
        else:
            break
        deletions.append(Deletion(file, reason))
        total -= file.bytes
        free_bytes += file.bytes
    return deletions


def doubts(files: Collection[RecordedFile], keep: KeepSettings, *, now: datetime) -> str | None:
    """What looks wrong about the dates of recordings that are kept, as sentences; None if nothing does."""
    sentences = []
    if keep.days is not None:
        limit = now - timedelta(days=keep.days)
        early = sum(file.end < limit and file.age_s <= keep.days * _DAY_S for file in files)
        if early:
            sentences.append(
                f"By the system clock, {_recordings(early)} older than keep.days, {keep.days:g}, but not by the time "
                "that has been counted: kept until then, as the clock may be wrong."
            )
    future = sum(file.start > now for file in files)
    if future:
        sentences.append(
            f"{_recordings(future).capitalize()} dated after the present time of the system clock, "
            "which is behind or was ahead."
        )
    return " ".join(sentences) or None


def _recordings(number: int) -> str:
    return f"{number} recording is" if number == 1 else f"{number} recordings are"
