"""An index of recorded sound: opened, searched, and written by one process at a time."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tidzam.errors import NodeError
from tidzam.sound_index.catalog import Catalog, IndexAbout, IndexedRecording, IndexLayout, NewRange
from tidzam.sound_index.rows import RowSpace, runs_of
from tidzam.sound_index.vectors import VectorFiles
from tidzam.store.base import from_microseconds, to_microseconds
from tidzam.types import Float32

_LOCK: Final = "lock"
_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
"""Codes of faults that do not mean that the catalog is damaged."""
_PRIMARY: Final = 0xFF
"""What of a code of SQLite says its kind."""
_SPARE: Final = 4
"""How many times as many rows are found as are asked for: neighbors of better ones are left out."""


@dataclass(frozen=True)
class SoundPeriod:
    """A period of a channel; without `channel`, of all of them; without `start` or `end`, to either side."""

    channel: str | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class IndexedWindow:
    """A window in an index."""

    row: int
    channel: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class SoundMatch:
    """A window, and the cosine of the angle between its embedding and the most similar one searched for: 1 if equal."""

    window: IndexedWindow
    similarity: float


class SoundIndex:
    """An index for reading, in any thread, also while another process writes it.

    Its methods raise OSError and sqlite3.Error.
    """

    def __init__(self, folder: Path, about: IndexAbout) -> None:
        self.folder, self.about = folder, about
        self.catalog = Catalog(folder)
        self.vectors = VectorFiles(folder, about.values)
        self._layout: IndexLayout | None = None

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """The index in a folder; None if there is none, or it is of another format."""
        about = Catalog(folder).about()
        return None if about is None else cls(folder, about)

    @property
    def size_bytes(self) -> int:
        """What it takes on disk."""
        return self.vectors.size_bytes + (self.catalog.path.stat().st_size if self.catalog.path.exists() else 0)

    def layout(self) -> IndexLayout:
        """Where its vectors are at present."""
        known = self._layout
        if known is None or known.revision != self.catalog.revision():
            known = self._layout = self.catalog.layout()
        return known

    def search(
        self,
        queries: Float32,
        *,
        count: int,
        channels: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        without: SoundPeriod | None = None,
    ) -> list[SoundMatch]:
        """The `count` windows that are most similar to one of `queries`, float32 (q, values), the best first.

        Of windows of a channel that follow one another, only the best is returned. `channels` and the period from
        `since` until `until` limit the search; windows that overlap `without` are left out. Raises SetupError if the
        part `search` is missing.
        """
        layout = self.layout()
        chosen = self._chosen(layout, channels, since, until)
        places = runs_of(layout.first_rows[chosen], layout.rows[chosen])
        rows, similarities = self.vectors.nearest(queries, places, _SPARE * count + 8)
        windows = self.windows(rows, layout)
        if self.catalog.revision() != layout.revision:  # rows may hold other sound by now
            current = {(one.row, one.channel, one.start) for one in self.windows(rows) if one is not None}
            windows = [one if one and (one.row, one.channel, one.start) in current else None for one in windows]
        found: list[SoundMatch] = []
        for window, similarity in zip(windows, similarities.tolist(), strict=True):
            if window is None or not _is_within(window, since, until) or (without and overlaps(window, without)):
                continue
            if not any(_are_neighbors(window, better.window) for better in found):
                found.append(SoundMatch(window, similarity))
            if len(found) == count:
                break
        return found

    def windows(self, rows: NDArray[np.int64], layout: IndexLayout | None = None) -> list[IndexedWindow | None]:
        """What some rows hold; None for those that are free."""
        where = layout or self.layout()
        if not len(where.first_rows):
            return [None] * len(rows)
        at = np.searchsorted(where.first_rows, rows, side="right") - 1
        return [self._window(where, int(number), int(row)) for number, row in zip(at, rows, strict=True)]

    def rows_between(self, period: SoundPeriod, layout: IndexLayout | None = None) -> NDArray[np.int64]:
        """The rows of the windows that overlap a period, shape (n,), in the order of time within each channel."""
        layout = layout or self.layout()
        channels = () if period.channel is None else (period.channel,)
        hop_us = 1000 * self.about.window_ms
        parts: list[NDArray[np.int64]] = []
        chosen = self._chosen(layout, channels, period.start, period.end)
        for number in sorted(chosen.tolist(), key=lambda one: (layout.channels[one], layout.starts_us[one])):
            starts = layout.starts_us[number] + hop_us * np.arange(layout.rows[number])
            kept = np.ones(len(starts), bool)
            if period.start is not None:
                kept &= starts + hop_us > to_microseconds(period.start)
            if period.end is not None:
                kept &= starts < to_microseconds(period.end)
            parts.append(layout.first_rows[number] + np.flatnonzero(kept))
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def embeddings(self, rows: NDArray[np.int64]) -> Float32:
        """The embeddings, float32 (n, values), of some rows."""
        return self.vectors.read((int(row), 1) for row in rows)

    def _chosen(
        self, layout: IndexLayout, channels: Sequence[str], since: datetime | None, until: datetime | None
    ) -> NDArray[np.int64]:
        """Which ranges may hold windows of some channels and a period."""
        kept = np.ones(len(layout.rows), bool)
        if channels:
            numbers = [number for number, name in enumerate(layout.names) if name in channels]
            kept &= np.isin(layout.channels, numbers)
        if since is not None:
            kept &= layout.starts_us + 1000 * self.about.window_ms * layout.rows > to_microseconds(since)
        if until is not None:
            kept &= layout.starts_us < to_microseconds(until)
        return np.flatnonzero(kept)

    def _window(self, layout: IndexLayout, number: int, row: int) -> IndexedWindow | None:
        offset = row - int(layout.first_rows[number])
        if number < 0 or offset >= layout.rows[number]:
            return None
        length = timedelta(milliseconds=self.about.window_ms)
        start = from_microseconds(int(layout.starts_us[number])) + offset * length
        return IndexedWindow(row, layout.names[int(layout.channels[number])], start, start + length)


class SoundIndexWriter:
    """An index for writing. Use `open_writer`."""

    def __init__(self, index: SoundIndex) -> None:
        self.index = index
        self._space = self._free_space()

    def recordings(self) -> list[IndexedRecording]:
        """What is in the catalog."""
        return self.index.catalog.recordings()

    def begin(self, source: str, path: str, size_bytes: int) -> int:
        """Add a recording, of which nothing is indexed yet. Returns its number."""
        return self.index.catalog.begin(source, path, size_bytes)

    def add(self, recording: int, embeddings: Float32, *, start: datetime, windows: int) -> None:
        """Add embeddings, float32 (channels, n, values), of the next n windows of all channels of a recording, from
        `start` on. With them, `windows` of each channel are indexed. They are on disk at the end."""
        count = embeddings.shape[1]
        ranges: list[NewRange] = []
        for channel in range(embeddings.shape[0]):
            done = 0
            for first, rows in self._space.take(count):
                at = start + done * timedelta(milliseconds=self.index.about.window_ms)
                ranges.append(NewRange((first, rows), channel, to_microseconds(at)))
                done += rows
        places = [one.rows for one in ranges]
        self.index.vectors.write(places, embeddings.reshape(-1, embeddings.shape[2]))
        self.index.catalog.add(recording, ranges, windows=windows)

    def complete(self, recording: int, *, fault: str | None = None) -> None:
        """All of a recording is indexed, or with a `fault`, it can be indexed no further."""
        self.index.catalog.complete(recording, fault=fault)

    def remove(self, recordings: Sequence[int]) -> None:
        """Remove recordings; their rows are used again. The files do not get shorter, as others may be reading them."""
        if recordings:
            self.index.catalog.remove(recordings)
            self._space = self._free_space()

    def _free_space(self) -> RowSpace:
        layout = self.index.layout()
        return RowSpace(zip(layout.first_rows.tolist(), layout.rows.tolist(), strict=True))


@contextmanager
def open_writer(folder: Path, about: IndexAbout, *, max_bytes: int) -> Iterator[SoundIndexWriter]:
    """The index in a folder for writing. It is replaced by an empty one if it is larger than `max_bytes`, damaged, or
    holds something else than `about` says.

    Raises NodeError (`search_busy`) if another process writes it, OSError and sqlite3.Error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NodeError(
                f"Another process is writing the index in {folder}.",
                hint="Wait until it is finished: `tidzam search status` shows how far it is.",
                code="search_busy",
            ) from None
        if _about_or_none(folder) != about or VectorFiles(folder, about.values).size_bytes > max_bytes:
            _clear(folder)
            Catalog.create(folder, about)
        yield SoundIndexWriter(SoundIndex(folder, about))


def _about_or_none(folder: Path) -> IndexAbout | None:
    catalog = Catalog(folder)
    try:
        about = catalog.about()
        if about is not None:
            catalog.recordings()
            catalog.layout()
        return about
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY in _PASSING:
            raise
        return None
    except sqlite3.Error:  # it is damaged, and can be made again
        return None


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != _LOCK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_within(window: IndexedWindow, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or window.end > since) and (until is None or window.start < until)


def overlaps(window: IndexedWindow, period: SoundPeriod) -> bool:
    """Whether a window and a period share some sound."""
    is_channel = period.channel is None or window.channel == period.channel
    return is_channel and _is_within(window, period.start, period.end)


def _are_neighbors(one: IndexedWindow, other: IndexedWindow) -> bool:
    return one.channel == other.channel and abs(one.start - other.start) <= one.end - one.start
