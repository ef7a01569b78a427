"""Where the audio of live streams is kept: names, files in progress, and the limit of their total size."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import soundfile

from stream_manager.recorder.folder import RecordingFolder, final_path
from stream_manager.recorder.repair import NoRoomError, UnusableError, repair
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.recording_folders import live_recordings_folder

log = logging.getLogger(__name__)

_BYTES_PER_GB: Final = 1_000_000_000


@dataclass(frozen=True)
class StoredFile:
    """A recording in progress; `part` is its present path."""

    folder: RecordingFolder
    part: Path
    audio: soundfile.SoundFile

    @property
    def name(self) -> str:
        """The name that it will have."""
        return final_path(self.part).name


Leftover = tuple[RecordingFolder, Path]
"""A recording that was cut off, and the folder that it belongs to."""


class LiveStorage:
    """The folder of the recordings; None if there is none. Blocking, except for `require` and `is_full`.

    With `hold`, complete files are held back: it is called with each, in any thread.

    Each file counts with its uncompressed size until it is finished. Files that others have deleted or added count once
    a recording begins, or `measure` is called.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        file_format: str,
        max_gb: float,
        hold: Callable[[Path], None] | None = None,
    ) -> None:
        self._folder, self._format, self._max_bytes = folder, file_format, max_gb * _BYTES_PER_GB
        self._hold = hold
        self._finished_bytes: int | None = None
        self._reserved: dict[Path, int] = {}

    def require(self) -> None:
        """Raises RequestError if nothing can be stored."""
        if self._folder is None:
            hint = "Set stream_manager.live_streams.recordings in the profile."
            raise RequestError("This node has no folder for recordings.", hint=hint, code="storage_off")
        if self.is_full:
            limit = f"the limit of {self._max_bytes / _BYTES_PER_GB:g} GB (live_streams.recordings_max_gb)"
            message = f"The recordings of live streams have reached {limit}."
            raise RequestError(message, hint="Delete some, or raise the limit in the profile.", code="storage_full")

    @property
    def is_full(self) -> bool:
        """Whether the recordings have reached their maximum size, by what is known of it."""
        return self._folder is not None and self._used_bytes >= self._max_bytes

    @property
    def _used_bytes(self) -> int:
        return (self._finished_bytes or 0) + sum(self._reserved.values())

    def begin(self, name: str, time: datetime, rate_hz: int) -> StoredFile:
        """A new file in progress. Raises OSError or soundfile.LibsndfileError."""
        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        self.measure()
        folder = self._recordings(name)
        part = folder.new_part(int(time.timestamp()))
        audio = soundfile.SoundFile(part, "x", rate_hz, 1, "PCM_16", format=self._format.upper())
        self._reserved[part] = 0
        return StoredFile(folder, part, audio)

    def _recordings(self, name: str) -> RecordingFolder:
        assert self._folder is not None
        return RecordingFolder(self._folder, name, f".{self._format}", is_held=self._hold is not None)

    def leftovers(self, names: Iterable[str]) -> tuple[Leftover, ...]:
        """The recordings of `names` that a crash left. To be called before any begins."""
        if self._folder is None or not self._folder.is_dir():
            return ()
        folders = [self._recordings(name) for name in names]
        try:
            return tuple((folder, part) for folder in folders for part in folder.leftovers())
        except OSError as error:
            log.error("%s: cannot be read: %s", self._folder, error.strerror)
            return ()

    def measure(self) -> None:
        """Take in the size of the finished recordings. Raises OSError."""
        if self._folder is None or not self._folder.is_dir():
            self._finished_bytes = 0
            return
        with os.scandir(self._folder) as entries:
            total = sum(_size(Path(entry.path)) for entry in entries if entry.is_file())
        self._finished_bytes = total - sum(map(_size, list(self._reserved)))  # others begin and end meanwhile

    def reserve(self, file: StoredFile, count: int) -> bool:
        """Whether another `count` bytes may be written to `file`; if so, they are counted."""
        if self._used_bytes + count > self._max_bytes:
            return False
        self._reserved[file.part] += count
        return True

    def finish(self, file: StoredFile) -> Path:
        """Complete a file; returns its final path. Raises OSError or soundfile.LibsndfileError."""
        self._reserved.pop(file.part, None)
        file.audio.close()
        path = self.publish(file.folder, file.part)
        self._finished_bytes = (self._finished_bytes or 0) + path.stat().st_size
        return path

    def publish(self, folder: RecordingFolder, part: Path) -> Path:
        """Give a complete file its final name, or hold it back. Raises OSError."""
        path = folder.publish(part)
        if self._hold is not None:
            self._hold(path)
        return path

    def discard(self, file: StoredFile) -> None:
        """Remove a file into which nothing was written. Raises OSError or soundfile.LibsndfileError."""
        self._reserved.pop(file.part, None)
        try:
            file.audio.close()
        finally:
            file.part.unlink(missing_ok=True)


def complete(storage: LiveStorage, leftovers: Iterable[Leftover]) -> None:
    """Make complete recordings of what a crash left, or set them aside with the reason. Blocking."""
    for folder, part in leftovers:
        try:
            content = repair(part)
            log.warning("%s: completed a recording of %.1f s", storage.publish(folder, part), content.seconds)
        except UnusableError as error:
            log.warning("%s: a recording cannot be completed: %s", folder.set_aside(part, str(error)), error)
        except (NoRoomError, OSError) as error:
            log.error("%s: a recording cannot be completed now: %s", part, error)


def live_folder(settings: Settings) -> Path | None:
    """The folder of the recordings of live streams; None without a home, unless the settings name one."""
    is_known = settings.home is not None or settings.stream_manager.live_streams.recordings is not None
    return live_recordings_folder(settings) if is_known else None


def live_storage(settings: Settings, *, hold: Callable[[Path], None] | None = None) -> LiveStorage:
    """The storage of a node with these settings; `hold` as for LiveStorage."""
    live = settings.stream_manager.live_streams
    return LiveStorage(
        live_folder(settings), file_format=live.recording_format, max_gb=live.recordings_max_gb, hold=hold
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
