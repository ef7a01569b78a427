"""A part of a file that is decoded separately, and that part as a file object."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

_FIRST_CHUNK: Final = 1 << 12
_CHUNK: Final = 1 << 20
_SETTLED_NS: Final = 2_000_000_000


@dataclass(frozen=True)
class Part:
    """Bytes `start` to `end` of a file, preceded by `head`, a header that replaces a wrong one.

    `cut_short`: it holds less than its header states, which is `stated_s` seconds if that is known. `lost_s` is the
    duration of what is damaged.
    """

    start: int
    end: int
    head: bytes = b""
    cut_short: bool = False
    stated_s: float | None = None
    lost_s: float = 0.0

    def moved(self, by: int) -> Part:
        """The same part of a file that has `by` more bytes in front of it."""
        return replace(self, start=self.start + by, end=self.end + by) if by else self


class FileBytes:
    """A file's bytes by position. Beyond the end, and where it cannot be read, there are none."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self.size = status.st_size
        self.identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def is_settled(self) -> bool:
        """Whether a change of the file would show in `identity`: clocks of file systems are coarse."""
        return abs(time.time_ns() - self.identity[3]) > _SETTLED_NS

    def at(self, start: int, count: int) -> bytes:
        """At most `count` bytes from `start` on."""
        try:
            return os.pread(self._descriptor, count, start)
        except (OSError, OverflowError):  # a damaged header may point anywhere
            return b""

    def find(self, pattern: re.Pattern[bytes], start: int, reach: int) -> Iterator[int]:
        """Where `pattern`, which matches at most `reach` bytes, is found from `start` on."""
        length = _FIRST_CHUNK  # it is usually near, and a damaged file is searched from many places
        while chunk := self.at(start, length + reach):
            yield from (start + found.start() for found in pattern.finditer(chunk) if found.start() < length)
            start += length
            length = min(2 * length, _CHUNK)


class FileTail(FileBytes):
    """The bytes of a file from `start` on."""

    def __init__(self, data: FileBytes, start: int) -> None:
        self._data = data
        self._start = start
        self.size = max(0, data.size - start)
        self.identity = data.identity

    def at(self, start: int, count: int) -> bytes:
        return self._data.at(self._start + start, count) if start >= 0 else b""


class PartFile:
    """The bytes of a part as a file. A read error of the disk ends it, as the end of the part does."""

    def __init__(self, path: Path, part: Part) -> None:
        self._file = path.open("rb", buffering=0)
        self._part = part
        self._size = len(part.head) + part.end - part.start
        self._position = 0

    def __len__(self) -> int:
        return self._size

    def read(self, count: int = -1) -> bytes:
        left = self._size - self._position
        count = left if count < 0 else min(count, left)
        head = self._part.head
        found = head[self._position : self._position + count]
        if len(found) < count:
            with suppress(OSError):
                self._file.seek(self._part.start + self._position + len(found) - len(head))
                found += self._file.read(count - len(found)) or b""
        self._position += len(found)
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, min(base + offset, self._size))
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._file.close()
