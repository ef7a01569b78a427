"""The files that wait in a folder, oldest first."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tidzam.audio.file_types import is_system_file
from tidzam.audio.recording_time import TimeRules
from tidzam.keep_marks import KEEP
from tidzam.recording_names import parse_recording_name, stem_of
from tidzam.text import shown

log = logging.getLogger(__name__)

_MOST_KNOWN: Final = 100_000


@dataclass(frozen=True)
class WaitingFile:
    """A file to analyze: its path, the name of its recording, and when that began, None if the file name does not say.

    `stamp` is its size in bytes and the time of its last change in nanoseconds: a file with another one is another.
    """

    path: Path
    source: str
    start: datetime | None
    stamp: tuple[int, int]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_there(self) -> bool:
        """Whether it still exists as it was seen."""
        return stamp_of(self.path) == self.stamp

    @property
    def day(self) -> str:
        """The UTC day on which it began, or else was changed last, as YYYY-MM-DD."""
        return f"{self.start or datetime.fromtimestamp(self.stamp[1] / 1e9, UTC):%Y-%m-%d}"

    @property
    def order(self) -> tuple[float, str]:
        """What files are sorted by."""
        return (self.stamp[1] / 1e9 if self.start is None else self.start.timestamp()), self.name


class WaitingFiles:
    """The files of a folder. Hidden ones, and those of operating systems, are not among them."""

    def __init__(self, folder: Path, rules: TimeRules) -> None:
        self.folder, self._rules = folder, rules
        self._named: dict[str, tuple[str, datetime | None]] = {}
        self._passed_over = set[Path]()

    def scan(self) -> Sequence[WaitingFile]:
        """All files, oldest first, by the times in their names. Raises OSError."""
        if max(len(self._named), len(self._passed_over)) > _MOST_KNOWN:
            self._named.clear()
            self._passed_over.clear()
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                path = Path(entry.path)
                if is_system_file(path) or entry.name.endswith(KEEP):
                    continue
                if not entry.is_file(follow_symlinks=False):
                    self._pass_over(path)
                    continue
                stamp = stamp_of(path)
                if stamp is not None:
                    found.append(WaitingFile(path, *self._name_of(path), stamp))
        return sorted(found, key=lambda file: file.order)

    def _pass_over(self, path: Path) -> None:
        """Say once that something is not a regular file. A link may lead anywhere, and a pipe would be waited for."""
        if path not in self._passed_over:
            self._passed_over.add(path)
            log.warning("%s is passed over: it is a link, a folder or something else than a file", shown(path))

    def _name_of(self, path: Path) -> tuple[str, datetime | None]:
        """The name of a recording and its start."""
        if path.name not in self._named:
            named = parse_recording_name(path, self._rules.patterns)
            if named is None:
                self._named[path.name] = stem_of(path), None
            else:
                start = named.local.replace(tzinfo=named.zone or self._rules.zone).astimezone(UTC)
                self._named[path.name] = named.name or stem_of(path), start
        return self._named[path.name]


def stamp_of(path: Path) -> tuple[int, int] | None:
    """The size of a file and the time of its last change; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def is_being_written(path: Path) -> bool:
    """Whether a process has the file open for writing, as while somebody copies it here.

    Linux grants a lease on a file for reading only if nobody may write it. Where it grants none (network file systems,
    files of other users) this is not known, and False.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False
