"""Where the audio of live streams is kept: names, files in progress, and the limit of their total size."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Final

import soundfile

from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.naming import recording_stem

log = logging.getLogger(__name__)

PART: Final = ".part"
DEFAULT_FOLDER: Final = "live-recordings"
_BYTES_PER_GB: Final = 1_000_000_000


class LiveStorage:
    """The folder of the recordings; None if there is none. Blocking, except for `require`.

    Each file counts with its uncompressed size until it is finished.
    """

    def __init__(self, folder: Path | None, *, file_format: str, max_gb: float) -> None:
        self._folder, self._format, self._max_bytes = folder, file_format, max_gb * _BYTES_PER_GB
        self._finished_bytes: int | None = None
        self._reserved: dict[Path, int] = {}

    def require(self) -> None:
        """Raises RequestError if nothing can be stored."""
        if self._folder is None:
            hint = "Set stream_manager.live_streams.recordings in the profile."
            raise RequestError("This node has no folder for recordings.", hint=hint, code="storage_off")
        if self._used_bytes >= self._max_bytes:
            limit = f"the limit of {self._max_bytes / _BYTES_PER_GB:g} GB (live_streams.recordings_max_gb)"
            message = f"The recordings of live streams have reached {limit}."
            raise RequestError(message, hint="Delete some, or raise the limit in the profile.", code="storage_full")

    @property
    def _used_bytes(self) -> int:
        return (self._finished_bytes or 0) + sum(self._reserved.values())

    def begin(self, name: str, time: datetime, rate_hz: int) -> tuple[Path, soundfile.SoundFile]:
        """A new file in progress, and its final path. Raises OSError or soundfile.LibsndfileError."""
        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        self._measure()
        path = _free_path(self._folder, recording_stem(name, time), self._format, time)
        part = part_of(path)
        file = soundfile.SoundFile(part, "x", rate_hz, 1, "PCM_16", format=self._format.upper())
        self._reserved[path] = 0
        return path, file

    def _measure(self) -> None:
        """The size of the finished recordings, which may have been deleted or added meanwhile."""
        assert self._folder is not None
        sizes = (entry.stat().st_size for entry in os.scandir(self._folder) if entry.is_file())
        self._finished_bytes = sum(sizes) - sum(_size(part_of(path)) for path in self._reserved)

    def reserve(self, path: Path, count: int) -> bool:
        """Whether another `count` bytes may be written to the file of `path`; if so, they are counted."""
        if self._used_bytes + count > self._max_bytes:
            return False
        self._reserved[path] += count
        return True

    def finish(self, path: Path, file: soundfile.SoundFile) -> None:
        """Close a file and give it its final name. Raises OSError or soundfile.LibsndfileError."""
        self._reserved.pop(path, None)
        part = part_of(path)
        file.close()
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.rename(path)
        self._finished_bytes = (self._finished_bytes or 0) + path.stat().st_size


def live_storage(settings: Settings) -> LiveStorage:
    """The storage of a node with these settings. By default it is in the node's home."""
    live = settings.stream_manager.live_streams
    folder = live.recordings or (settings.home / DEFAULT_FOLDER if settings.home is not None else None)
    return LiveStorage(folder, file_format=live.recording_format, max_gb=live.recordings_max_gb)


def part_of(path: Path) -> Path:
    """The name of a recording until it is complete."""
    return path.with_name(path.name + PART)


def _free_path(folder: Path, stem: str, suffix: str, time: datetime) -> Path:
    """A name that no recording has: with a fraction of a second if another one began in the same second."""
    fractions = (f".{fraction:06d}" for fraction in range(time.microsecond, 1_000_000))
    paths = (folder / f"{stem}{fraction}.{suffix}" for fraction in ("", *fractions))
    return next(path for path in paths if not path.exists() and not part_of(path).exists())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
