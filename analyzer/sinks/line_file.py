"""Text files of whole lines: a single one, or one per day."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final

from tidzam.errors import TidzamError
from tidzam.output_hints import hint_for

_TAIL_BYTES: Final = 1 << 16


class LineFile:
    """Appends to the file at `path`; if `daily`, to NAME-YYYY-MM-DD.SUFFIX beside it.

    The file may be moved away or deleted at any time: it is then begun again.
    A new file begins with `header`, which an existing one must have, too. A part of a line at the end of an existing
    file, as `kill -9` or a power cut may leave it, is cut off. With `replace`, the first opening of `path` empties
    it. Raises TidzamError (`output`).
    """

    def __init__(self, path: Path, *, header: bytes = b"", daily: bool = False, replace: bool = False) -> None:
        self._path, self._header, self._daily, self._replace = path, header, daily, replace
        self._file: io.FileIO | None = None
        self._opened: Path | None = None

    @property
    def path(self) -> Path:
        """The file that is open, or the one that is given."""
        return self._opened or self._path

    def open(self, day: date | None = None) -> None:
        """Open the file, if daily that of `day`. Without a day, a daily file is opened with its first line."""
        if self._daily and day is None:
            return
        path = self._path.with_name(f"{self._path.stem}-{day}{self._path.suffix}") if self._daily else self._path
        if path == self._opened and self._is_in_place(path):
            return
        self.close()
        with self._errors_named():
            file = io.FileIO(path, "w" if self._replace and not self._daily else "a+")
            try:
                self._begin(file, path)
            except BaseException:
                file.close()
                raise
        self._file, self._opened = file, path
        self._replace = False  # opened again after a failure, it is continued

    def _is_in_place(self, path: Path) -> bool:
        """Whether the open file is still the one at `path`: not if somebody deleted, moved or replaced that."""
        assert self._file is not None
        with self._errors_named():
            try:
                return os.path.samestat(os.fstat(self._file.fileno()), path.stat())
            except FileNotFoundError:
                return False

    def _begin(self, file: io.FileIO, path: Path) -> None:
        """Write the header, or check the one of a file that is continued."""
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not status.st_size:  # one that is replaced cannot be read
            _write(file, self._header)
            return
        beginning = os.pread(file.fileno(), len(self._header), 0)
        if beginning.rstrip(b"\r\n") != self._header.rstrip(b"\r\n")[: len(beginning)]:
            columns = self._header.decode().strip()
            raise TidzamError(f"{path} has other columns than {columns}.", hint="Specify another file.", code="output")
        if len(beginning) < len(self._header):
            file.truncate(0)
            _write(file, self._header)
        else:
            _cut_half_line(file, status.st_size)

    def append(self, lines: bytes, day: date | None = None) -> None:
        """Add whole lines, all or none of them, to the file of `day`."""
        self.open(day)
        assert self._file is not None
        with self._errors_named():
            _write(self._file, lines)

    def close(self) -> None:
        """Close the file, if one is open."""
        file, self._file, self._opened = self._file, None, None
        if file is not None:
            with self._errors_named():
                file.close()

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TidzamError(
                f"{self._path} cannot be written: {error.strerror}.",
                hint=hint_for(error, self._path),
                code="output",
            ) from None


def _write(file: io.FileIO, data: bytes) -> None:
    """Write in one call, all or nothing; only a kill within it leaves a part. Raises OSError."""
    size = os.fstat(file.fileno()).st_size
    if data and file.write(data) != len(data):
        file.truncate(size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _cut_half_line(file: io.FileIO, size: int) -> None:
    end = size
    while end:
        begin = max(0, end - _TAIL_BYTES)
        found = os.pread(file.fileno(), end - begin, begin).rfind(b"\n")
        if found >= 0:
            end = begin + found + 1
            break
        end = begin
    if end != size:
        file.truncate(end)
