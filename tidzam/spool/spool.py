"""Lines that wait on disk until they are sent: they survive a restart, and a power cut once `append` has returned."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from tidzam.errors import TidzamError

log = logging.getLogger(__name__)

_SUFFIX: Final = ".lines"
_DIGITS: Final = 12
_MOST_USERS: Final = 16
REJECTED: Final = "rejected"
"""The folder of what the server refused."""


@dataclass(frozen=True)
class SpooledLines:
    """The oldest lines of a spool, which are one file."""

    path: Path
    lines: tuple[str, ...]


class Spool:
    """A queue of lines in the files of a folder, at most `file_lines` in each.

    Above `limit_bytes` the oldest file is deleted and counted in `lost_lines`. One program uses a folder at a time:
    the next one gets another beside it, `FOLDER-2`, and so on; what it leaves there is taken over by whoever comes
    later. Its methods may be called from any thread, and wait for the disk. Raises TidzamError (`spool`) if the disk
    fails.

    The lines that the server refused are kept in `rejected`, which has the same limit: above it, the oldest of its
    files is deleted, and its lines are counted in `discarded_lines`.
    """

    def __init__(self, folder: Path, *, file_lines: int, limit_bytes: int, former: Sequence[Path] = ()) -> None:
        """What waits in `former`, which other settings have named, is taken over, too."""
        self._wanted, self._file_lines, self._limit, self._former = folder, file_lines, limit_bytes, former
        self._sizes: dict[Path, tuple[int, int]] = {}
        self._open: Path | None = None
        self._number = 0
        self._mutex = threading.RLock()
        self.lost_lines = self.discarded_lines = 0

    def __enter__(self) -> Self:
        with self._errors_named():
            self.folder, self._lock = _reserve(self._wanted)
            try:
                self._take_over()
            except BaseException:
                self.__exit__()
                raise
        return self

    def _take_over(self) -> None:
        """Queue the files that are there, and those that other programs have left."""
        for path in _files_in(self._rejected)[-1:]:  # no name is used twice: the names are in the order of time
            self._number = int(path.stem) + 1
        for path in _files_in(self.folder):
            self._add(path)
        for folder in (self._wanted, *self._former):
            for path in _abandoned(folder):
                self._add(_moved(path, self._new_path()))

    def _add(self, path: Path) -> None:
        """Queue an existing file."""
        content = _without_half_line(path)
        self._sizes[path] = content.count(b"\n"), len(content)
        self._number = max(self._number, int(path.stem) + 1)

    @property
    def _rejected(self) -> Path:
        return self.folder / REJECTED

    def _new_path(self) -> Path:
        path = self.folder / f"{self._number:0{_DIGITS}d}{_SUFFIX}"
        self._number += 1
        return path

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)
        self._sizes.clear()
        self._open = None

    @property
    def waiting(self) -> int:
        """Number of lines."""
        return sum(lines for lines, _ in tuple(self._sizes.values()))

    def append(self, lines: Sequence[str]) -> None:
        """Add lines without line breaks. They are on disk afterwards."""
        data = _content(lines)
        with self._mutex, self._errors_named():
            path = self._file_for(len(lines))
            _write(path, data)
            count, size = self._sizes.get(path, (0, 0))
            self._sizes[path] = count + len(lines), size + len(data)
            self._make_room()

    def _file_for(self, count: int) -> Path:
        if self._open is None or self._sizes.get(self._open, (0, 0))[0] + count > self._file_lines:
            self._open = self._new_path()
        return self._open

    def _make_room(self) -> None:
        while len(self._sizes) > 1 and sum(size for _, size in self._sizes.values()) > self._limit:
            oldest = next(iter(self._sizes))
            lines, _ = self._sizes[oldest]
            log.error("%s is full: the oldest %d lines are deleted", self.folder, lines)
            self.lost_lines += lines
            self.remove(oldest)

    def oldest(self) -> SpooledLines | None:
        """The oldest file, to which nothing is added from now on. None if nothing waits."""
        with self._mutex, self._errors_named():
            while (path := next(iter(self._sizes), None)) is not None:
                if path == self._open:
                    self._open = None
                try:
                    text = path.read_text(encoding="utf-8", errors="replace")
                except FileNotFoundError:  # somebody deleted it
                    lines, _ = self._sizes.pop(path)
                    log.error("%s was deleted with %d lines, which are not sent", path, lines)
                    self.lost_lines += lines
                else:
                    return SpooledLines(path, tuple(text.split("\n")[:-1]))
            return None

    def remove(self, path: Path) -> None:
        """Forget a file that was sent."""
        with self._mutex, self._errors_named():
            self._sizes.pop(path, None)
            path.unlink(missing_ok=True)

    def set_aside(self, path: Path, lines: Sequence[str]) -> Path:
        """Forget a file, but keep the lines of it that the server refused. Returns their file, in `rejected`."""
        kept = self._rejected / path.name
        with self._mutex, self._errors_named():
            if self._sizes.pop(path, None) is not None:  # else it was deleted meanwhile, to make room
                kept.parent.mkdir(exist_ok=True)
                _write(kept, _content(lines))
                path.unlink(missing_ok=True)
                self._limit_rejected()
        return kept

    def _limit_rejected(self) -> None:
        """Delete the oldest files of `rejected` above the limit. The newest one stays."""
        files = _files_in(self._rejected)
        sizes = [path.stat().st_size for path in files]
        for index, path in enumerate(files[:-1]):
            if sum(sizes[index:]) <= self._limit:
                break
            if not self.discarded_lines:
                log.error("%s is full: from now on, its oldest lines are deleted", self._rejected)
            self.discarded_lines += path.read_bytes().count(b"\n")
            path.unlink()

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TidzamError(
                f"{self._wanted} cannot be used: {error.strerror}.",
                hint="Free some room, or set spool to another folder.",
                code="spool",
            ) from None


def lines_waiting(folder: Path) -> int:
    """The number of lines that wait in the spool `folder` and in those beside it. Raises OSError."""
    return sum(_lines_in(path) for one in _folders(folder) if one.is_dir() for path in _files_in(one))


def _lines_in(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:  # it was sent meanwhile
        return 0


def _reserve(folder: Path) -> tuple[Path, int]:
    """The first of FOLDER, FOLDER-2, … that no other program uses, and the descriptor that keeps it reserved."""
    for path in _folders(folder):
        path.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(path)
        if descriptor is not None:
            return path, descriptor
    raise TidzamError(f"{folder} is used by {_MOST_USERS} programs.", hint="Set spool to another folder.", code="spool")


def _folders(folder: Path) -> list[Path]:
    return [folder, *(folder.with_name(f"{folder.name}-{number}") for number in range(2, _MOST_USERS + 1))]


def _locked(folder: Path) -> int | None:
    """The descriptor that keeps a folder reserved, None if another program does."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _files_in(folder: Path) -> list[Path]:
    """The files of lines in a folder, the oldest first."""
    return sorted(folder.glob("[0-9]" * _DIGITS + _SUFFIX))


def _abandoned(folder: Path) -> Iterator[Path]:
    """The files that other programs have left beside `folder`; their folder is reserved while they are taken."""
    for path in abandoned_folders(folder):
        yield from _files_in(path)


def abandoned_folders(folder: Path) -> Iterator[Path]:
    """Those of the spool `folder` and the ones beside it that no program uses; each is reserved while it is handled.

    Raises OSError.
    """
    for path in filter(Path.is_dir, _folders(folder)):
        descriptor = _locked(path)
        if descriptor is not None:
            try:
                yield path
            finally:
                os.close(descriptor)


def _moved(path: Path, to: Path) -> Path:
    """Move a file of lines, also to another file system: then a copy is complete before the original is deleted."""
    try:
        return path.rename(to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    incomplete = to.with_suffix(".copy")
    incomplete.unlink(missing_ok=True)
    _write(incomplete, path.read_bytes())
    incomplete.rename(to)
    path.unlink()
    return to


def _content(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _write(path: Path, data: bytes) -> None:
    """Append, all or nothing, and flush to disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if os.write(descriptor, data) != len(data):
            os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _without_half_line(path: Path) -> bytes:
    """The content of a file, after its last line was deleted if a power cut left only a part of it."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    return whole
