"""The recordings of one source: indexed when the program starts, and followed from then on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from stream_manager.recordings.file_names import parse_file_name
from stream_manager.recordings.index import Recording, RecordingIndex
from tidzam.aio import first_completed
from tidzam.audio.file_length import file_length
from tidzam.audio.ogg_length import AudioLength
from tidzam.config import SourceSettings
from tidzam.folder_changes import FolderChange, FolderChangedError, changed_at, file_names, watched
from tidzam.text import plural, shown

log = logging.getLogger(__name__)

RETRY_S: Final = 10.0
"""How often a folder that cannot be read is tried again."""
CHECK_S: Final = 60.0
"""How often a folder is checked for changes that are not reported: those of other machines."""
_BATCH: Final = 200
"""Recordings that are measured at a time, so that the thread is soon free for something else."""
_NAMED: Final = 3


@dataclass(frozen=True)
class DatabaseOptions:
    """Where the recordings of the source `name` are, and how their file names are read.

    They begin with one of `prefixes`. Without `file_length_s`, the length of each file is read from its header.
    `channels` is their number of channels, if that is known without opening one. `may_be_missing`: the folder is made
    by the recorder when it begins.
    """

    name: str
    folder: Path
    prefixes: frozenset[str]
    zone: tzinfo
    file_length_s: float | None = None
    channels: int | None = None
    may_be_missing: bool = False

    @classmethod
    def of(cls, source: SourceSettings) -> DatabaseOptions | None:
        """The options of a source of the profile; None if it has no recordings."""
        folder = source.path_database
        if folder is None and source.record is not None and source.record.mode == "continuous":
            folder = source.record.path
        if folder is None:
            return None
        folder = folder.expanduser()
        names = {source.database_prefix} if source.database_prefix else {source.name, folder.resolve().name}
        return cls(
            name=source.name,
            folder=folder,
            prefixes=frozenset(names),
            zone=ZoneInfo(source.database_time_zone),
            file_length_s=source.database_file_length,
            channels=source.nb_channels,
            may_be_missing=source.path_database is None,
        )


class RecordingDatabase:
    """The recordings of one source. `run` follows them; all else returns at once.

    `fault` is why the folder cannot be read at present, `ignored` the number of files in it that are no recordings of
    the source.
    """

    def __init__(
        self, options: DatabaseOptions, *, measure: Callable[[Path], AudioLength | None] = file_length
    ) -> None:
        self.options = options
        self.index = RecordingIndex(options.zone, file_length_s=options.file_length_s)
        self.fault: str | None = None
        self.ready, self.measured = asyncio.Event(), asyncio.Event()
        """The folder has been read, or cannot be; the lengths of all recordings are known."""
        self._measure = measure
        self._foreign: set[str] = set()
        self._unreadable: set[str] = set()
        self._channels: int | None = None
        self._wanted = asyncio.Event()
        self._has_changed = False
        """Whether a change was reported since the last check."""

    @property
    def name(self) -> str:
        return self.options.name

    @property
    def ignored(self) -> int:
        return len(self._foreign) + len(self._unreadable)

    @property
    def channels(self) -> int:
        """The number of channels of its newest recording, or as expected by the settings; 0 if it is unknown."""
        return self._channels or self.options.channels or 0

    def path(self, recording: Recording) -> Path:
        return self.options.folder / recording.file_name

    async def run(self) -> None:
        """Follow the folder until cancelled. While it cannot be read, it is tried again."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_measuring())
            while True:
                try:
                    await self._follow()
                except FolderChangedError as change:
                    log.info("%s: its recordings are read again: %s", self.name, change)
                except FileNotFoundError as error:
                    if not self.options.may_be_missing:
                        self._report(error)
                    self.ready.set()
                    self.measured.set()
                    await asyncio.sleep(RETRY_S)
                except OSError as error:
                    self._report(error)
                    await asyncio.sleep(RETRY_S)
                except Exception:  # a fault here must affect neither the sources nor other databases
                    log.exception("%s: its recordings cannot be followed", self.name)
                    await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        """Read the folder, and apply its changes until it is gone. Raises OSError."""
        with watched(self.options.folder) as changes:  # before it is read, so that nothing is missed
            found, self._foreign = await asyncio.to_thread(self._read)
            await asyncio.to_thread(self.index.fill, found, self._length_s)
            self._report(None)
            self.ready.set()
            self._wanted.set()
            await first_completed(self._apply_all(changes), self._notice_missed_changes())

    async def _apply_all(self, changes: AsyncIterator[FolderChange]) -> None:
        async for change in changes:
            self._has_changed = True
            self.apply(change)

    async def _notice_missed_changes(self) -> None:
        """Raises FolderChangedError when the folder was changed by another machine, over a network file system."""
        known = await asyncio.to_thread(changed_at, self.options.folder)
        while True:
            await asyncio.sleep(CHECK_S)
            before, known = known, await asyncio.to_thread(changed_at, self.options.folder)
            if known != before and not self._has_changed:
                raise FolderChangedError("it was changed by another machine")
            self._has_changed = False

    def _read(self) -> tuple[Mapping[str, datetime], set[str]]:
        """The local starts of recordings by file name, and the names of other files. Raises OSError."""
        names = file_names(self.options.folder)
        found = {name: local for name in names if (local := self._local(name)) is not None}
        return found, {name for name in names if name not in found}

    def _local(self, file_name: str) -> datetime | None:
        """The local time in the name of a recording of this source; None for other files."""
        parsed = parse_file_name(file_name)
        return parsed.local if parsed is not None and parsed.name in self.options.prefixes else None

    def _length_s(self, file_name: str) -> float | None:
        found = self._measure(self.options.folder / file_name)
        return None if found is None else found.length_s

    def apply(self, change: FolderChange) -> None:
        """Take a change of the folder into account."""
        name, local = change.file_name, self._local(change.file_name)
        self._foreign.discard(name)
        self._unreadable.discard(name)
        if not change.is_added:
            self.index.remove(name)
        elif local is None:
            self._foreign.add(name)
        else:
            self.index.add(name, local, self._length_s)
            self._wanted.set()

    def _report(self, error: OSError | None) -> None:
        """Log a fault of the folder once, and its end."""
        before, self.fault = self.fault, None if error is None else (error.strerror or str(error))
        folder = shown(self.options.folder)
        if self.fault is not None:
            self.ready.set()
            if self.fault != before:
                log.error("%s: its recordings in %s cannot be read: %s", self.name, folder, self.fault)
            return
        log.info("%s: %s in %s", self.name, plural(len(self.index), "recording"), folder)
        if self._foreign and not self.options.may_be_missing:  # several sources may be recorded into one folder
            names = ", ".join(sorted(map(shown, self._foreign))[:_NAMED])
            log.warning(
                "%s: ignoring %s in %s, such as %s: the names of its recordings begin with %s",
                *(self.name, plural(len(self._foreign), "file"), folder, names),
                " or ".join(f"{prefix}-" for prefix in sorted(self.options.prefixes)),
            )

    async def _keep_measuring(self) -> None:
        """Read the lengths of recordings whose length is unknown, newest first, as long as the program runs."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self.measured.clear()
            try:
                # Where all have the same length, one is opened for its channels.
                waiting = self.index.unmeasured()
                await self._measure_all(waiting if self.options.file_length_s is None else waiting[:1])
            except Exception:  # as above
                log.exception("%s: its recordings cannot be measured", self.name)
            if not self._wanted.is_set():
                self.measured.set()

    async def _measure_all(self, names: Iterable[str]) -> None:
        waiting = [name for name in names if name not in self._unreadable]
        for first in range(0, len(waiting), _BATCH):
            await self._measure_some(waiting[first : first + _BATCH])

    async def _measure_some(self, waiting: Iterable[str]) -> None:
        found = await asyncio.to_thread(lambda: {name: self._measure(self.options.folder / name) for name in waiting})
        newest = self.index.newest
        for name, length in found.items():
            if length is None:
                self._unreadable.add(name)
                log.warning("%s: the recording %s cannot be read", self.name, shown(name))
            elif name in self.index:
                self.index.lengths_s[name] = length.length_s
                if newest is not None and name == newest.file_name:
                    self._channels = length.channels
