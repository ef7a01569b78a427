"""What takes up the disk: the size of each kind of files, how fast it grows, and what deletes them."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import Field

from console.services.forwarding.places import forwarded_folder
from console.services.models import ConsoleModel
from console.services.node_files.growth import Growing, WrittenFile, days_until_full, limit_of, written_per_day
from console.services.node_files.retention_words import clip_words, record_words, row_words
from console.services.turns import PATIENCE_S, BusyError, Turns
from tidzam.config import Settings
from tidzam.config.recording import RecordSettings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.naming import split_date
from tidzam.paths import CACHE, GAPS, MODELS, SPOOL, STORE
from tidzam.recording_folders import live_recordings_folder
from tidzam.store.database import Store
from tidzam.store.status import DetectionRate, detection_rate

KEEP_S: Final = 300.0
"""For how long the sizes are kept: to find them out again, every file is looked at."""
_DATE_LENGTH: Final = len("-YYYY-MM-DD-HH-MM-SS")


class DiskKind(ConsoleModel):
    """Files of one kind."""

    name: str = Field(description="What they are")
    folder: str = Field(description="Where they are")
    bytes: int = Field(description="Their size")
    files: int = Field(description="How many there are")
    per_day: float | None = Field(
        description="Bytes that they grow by per day, over the last seven days at most; null if that is not estimated"
    )
    retention: str = Field(description="What deletes them, in words")
    limit_bytes: float | None = Field(description="The size at which they stop growing; null without a limit")


class DiskReport(ConsoleModel):
    """The disk of the node's home, and what is on it."""

    time: datetime = Field(description="When this was found out, UTC")
    total_bytes: int = Field(description="Size of the disk")
    free_bytes: int = Field(description="What is free on it")
    full_in_days: float | None = Field(description="Days until it is full at this rate; null if more than ten years")
    kinds: tuple[DiskKind, ...] = Field(description="The kinds of files, the largest first")
    elsewhere: tuple[DiskKind, ...] = Field(description="Those on other disks")


@dataclass(frozen=True)
class _Kind:
    """A kind of files, and when they are deleted: after `days`, above `gigabytes`, or while the disk is too full, if it
    `yields`. `is_one` says by the name of a file whether it is of this kind, if there are others in the folder.

    How fast they grow is known if each file is written once, so that `is_dated`, or from the `daily_share` of their
    size that comes per day.
    """

    name: str
    folder: Path
    retention: str
    days: float | None = None
    gigabytes: float | None = None
    yields: bool = False
    is_one: Callable[[str], bool] | None = None
    is_dated: bool = False
    daily_share: float | None = None


class DiskUse:
    """Finds out what takes up the disk of a node with `settings` and a `store`. It may block for as long as that
    takes."""

    def __init__(self, settings: Settings, store: Store, *, now: Callable[[], datetime]) -> None:
        self._settings, self._store, self._now = settings, store, now
        self._turns = Turns(1)
        self._found: tuple[float, DiskReport] | None = None

    def report(self) -> DiskReport | None:
        """The report, at most five minutes old, or while a new one is being made, the last one; None without a home.

        Raises BusyError if too many requests wait for the first one.
        """
        home = self._settings.home
        if home is None:
            return None
        last = self._found
        if last is not None and time.monotonic() - last[0] <= KEEP_S:
            return last[1]
        try:
            with self._turns.one(patience_s=PATIENCE_S if last is None else 0.0):
                if self._found is last:
                    self._found = time.monotonic(), self._report(home)
                assert self._found is not None
                return self._found[1]
        except BusyError:
            if last is None:
                raise
            return last[1]

    def _report(self, home: Path) -> DiskReport:
        now = self._now()
        disk = shutil.disk_usage(home)
        kinds = list(_kinds(self._settings, self._store, home, now))
        folders = {kind.folder for kind in kinds}
        here, elsewhere, growing = list[DiskKind](), list[DiskKind](), list[Growing]()
        for kind in kinds:
            found = _measured(kind, folders - {kind.folder}, now.timestamp())
            if found.files and _is_on(kind.folder, home):
                here.append(found)
                growing.append(Growing(found.bytes, found.per_day or 0.0, found.limit_bytes, yields=kind.yields))
            elif found.files:
                elsewhere.append(found)
        return DiskReport(
            time=now,
            total_bytes=disk.total,
            free_bytes=disk.free,
            full_in_days=days_until_full(disk.free, growing),
            kinds=tuple(sorted(here, key=lambda kind: -kind.bytes)),
            elsewhere=tuple(sorted(elsewhere, key=lambda kind: -kind.bytes)),
        )


def _kinds(settings: Settings, store: Store, home: Path, now: datetime) -> Iterator[_Kind]:
    """The kinds of files that a node with these settings writes."""
    yield from _recordings(settings)
    for sink in settings.analyzer.sinks:
        if isinstance(sink, ClipSinkSettings):
            budget = sink.budget
            yield _Kind(
                "clips",
                _whole(sink.folder),
                clip_words(budget),
                days=budget.days,
                gigabytes=budget.gigabytes,
                yields=budget.free_gigabytes is not None,
                is_dated=True,
            )
    most = settings.console.forwarded.gigabytes
    words = f"kept; no more are accepted above {most:g} GB"
    yield _Kind("clips of other nodes", _whole(forwarded_folder(settings)), words, gigabytes=most, is_dated=True)
    live = settings.stream_manager.live_streams
    folder = _whole(live_recordings_folder(settings))
    most = live.recordings_max_gb
    words = f"not written above {most:g} GB"
    yield _Kind("recordings of live streams", folder, words, gigabytes=most, is_dated=True)
    yield _store_kind(settings, store, home, now)
    keep_days = settings.gaps.keep_days
    yield _Kind("gap ledger", home / GAPS, _days(keep_days), days=keep_days, is_dated=True)
    yield _Kind("waiting for the store or a server", home / SPOOL, "deleted once it has arrived")
    yield _Kind("models", home / MODELS, "kept")
    yield _Kind("caches", home / CACHE, "made again if they are deleted")
    yield _Kind("logs", home / "logs", "the oldest parts are deleted: 40 MB per program at most")


def _recordings(settings: Settings) -> Iterator[_Kind]:
    """The recordings of each source that the settings record, and those of all others."""
    recorded = {source.name: source.record for source in settings.sources if source.record is not None}
    other = settings.stream_manager.record
    users = Counter(_whole(record.path) for record in (other, *recorded.values()))
    kinds: list[tuple[str, RecordSettings, Callable[[str], bool]]] = [
        *((f"recordings of {name}", record, partial(_is_of, (name,))) for name, record in recorded.items()),
        ("recordings of other sources", other, lambda file_name: not _is_of(recorded, file_name)),
    ]
    for title, record, is_one in kinds:
        folder, keep = _whole(record.path), record.keep
        yield _Kind(
            title,
            folder,
            record_words(keep),
            days=keep.days,
            gigabytes=keep.max_gb,
            yields=keep.min_free_gb is not None,
            is_one=is_one if users[folder] > 1 else None,
            is_dated=True,
        )


def _store_kind(settings: Settings, store: Store, home: Path, now: datetime) -> _Kind:
    """The store in the home, which grows with the detections in it; none is there if it is on a server."""
    retention = settings.store.retention
    rate = detection_rate(store, now) if store.is_sqlite else DetectionRate(0, 0.0)
    days = [] if retention.detections_days is None else [retention.detections_days]
    if retention.detections_max is not None and rate.per_day:
        days.append(retention.detections_max / rate.per_day)
    return _Kind(
        "store",
        home / STORE,
        row_words(retention),
        days=min(days, default=None),
        gigabytes=retention.max_gb,
        yields=retention.min_free_gb is not None,
        daily_share=rate.per_day / rate.detections if rate.detections else 0.0,
    )


def _whole(path: Path) -> Path:
    return path.expanduser().absolute()


def _days(days: float | None) -> str:
    return "kept" if days is None else f"deleted after {days:g} days"


def _measured(kind: _Kind, others: set[Path], now_s: float) -> DiskKind:
    """The size of files, without those in folders of other kinds, and how fast they grow."""
    written = [WrittenFile(status.st_mtime, status.st_size) for status in _files(kind, others)]
    size = sum(file.bytes for file in written)
    per_day = None if kind.daily_share is None else kind.daily_share * size
    if kind.is_dated:
        per_day = written_per_day(written, now_s)
    return DiskKind(
        name=kind.name,
        folder=str(kind.folder),
        bytes=size,
        files=len(written),
        per_day=per_day,
        retention=kind.retention,
        limit_bytes=None if per_day is None else limit_of(per_day, days=kind.days, gigabytes=kind.gigabytes),
    )


def _files(kind: _Kind, others: set[Path]) -> Iterator[os.stat_result]:
    """The status of each file of a kind. What cannot be read, or is gone by now, is left out."""
    for root, names, files in os.walk(kind.folder):
        place = Path(root)
        names[:] = [name for name in names if place / name not in others]
        for name in files:
            if kind.is_one is not None and not kind.is_one(name):
                continue
            try:
                status = (place / name).stat(follow_symlinks=False)
            except OSError:
                continue
            yield status


def _is_of(sources: Collection[str], file_name: str) -> bool:
    """Whether a file is a recording of one of these sources, complete or not."""
    shown = file_name.lstrip(".")
    return any(split_date(shown[: len(source) + _DATE_LENGTH])[0] == source for source in sources)


def _is_on(folder: Path, home: Path) -> bool:
    """Whether a folder is on the disk of the home."""
    try:
        return folder.stat().st_dev == home.stat().st_dev
    except OSError:
        return True


def largest_first(kinds: Sequence[DiskKind]) -> list[tuple[DiskKind, float]]:
    """Each kind with its share of all of them, 0 to 1."""
    total = sum(kind.bytes for kind in kinds) or 1
    return [(kind, kind.bytes / total) for kind in kinds]
