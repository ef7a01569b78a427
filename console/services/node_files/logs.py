"""Logs of the node's programs: the newest lines, what has been added since, and all of a file. Credentials are hidden.

The programs hide credentials themselves; here the lines of others, such as Icecast, pass the same filter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import Field

from console.services.models import ConsoleModel
from tidzam.errors import RequestError
from tidzam.scrub import scrub
from tidzam.text import printable

READ_BYTES: Final = 512 * 1024
"""How much of the end of a log is looked at."""
MOST_LINES: Final = 1000
LONGEST_LINE: Final = 4000
_CHUNK_BYTES: Final = 256 * 1024


class LogFile(ConsoleModel):
    """The log of a program."""

    name: str = Field(description="Name of the program")
    bytes: int = Field(description="Size of its present log; older parts are kept beside it")
    changed: datetime = Field(description="When the last line was written, UTC")


class LogLines(ConsoleModel):
    """Some lines of a log, the oldest first."""

    name: str = Field(description="Name of the program")
    lines: tuple[str, ...] = Field(description="The lines, without credentials")
    position: str = Field(description="The place after the last line: `after` of the next request")
    is_continued: bool = Field(description="Whether the lines follow those before `after`; not if the log was replaced")


class NodeLogs:
    """The logs in the folder of a node's home. They are read where they are; it may block."""

    def __init__(self, home: Path | None) -> None:
        self._folder = None if home is None else home / "logs"

    def list_logs(self) -> tuple[LogFile, ...]:
        """The logs by name; none without a home."""
        if self._folder is None or not self._folder.is_dir():
            return ()
        found = []
        for path in sorted(self._folder.glob("*.log")):
            status = path.stat()
            changed = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(LogFile(name=path.stem, bytes=status.st_size, changed=changed))
        return tuple(found)

    def read(self, name: str, *, after: str | None = None, contains: str = "", limit: int = 200) -> LogLines:
        """The newest lines that contain a text, in any case, or those that were added `after` a position.

        Raises RequestError (`not_found`).
        """
        with self._open(name) as file:
            status = os.fstat(file.fileno())
            begin = _begin(after, status)
            is_continued = begin is not None
            start = max(status.st_size - READ_BYTES, 0 if begin is None else begin)
            file.seek(start)
            content = file.read(status.st_size - start)
        if start and start != begin:
            content = content.partition(b"\n")[2]  # the first line is cut off
        whole = content.rpartition(b"\n")[0]  # the last line may not be complete
        end = status.st_size - (len(content) - len(whole)) + (1 if whole else 0)
        lines = [] if not whole else [_shown(line) for line in whole.split(b"\n")]
        wanted = [line for line in lines if contains.casefold() in line.casefold()]
        return LogLines(
            name=name,
            lines=tuple(wanted[-limit:]),
            position=f"{status.st_ino}-{end}",
            is_continued=is_continued,
        )

    def all_lines(self, name: str) -> Iterator[bytes]:
        """All of a log as it is now, in parts. Raises RequestError (`not_found`) before the first one."""
        return _parts(self._open(name))

    def _open(self, name: str) -> BinaryIO:
        known = {log.name for log in self.list_logs()}
        if self._folder is None or name not in known:
            hint = f"There are {', '.join(sorted(known))}." if known else "The node has no logs."
            raise RequestError(f"There is no log of {name[:64]!r}.", hint=hint, code="not_found", field="name")
        return (self._folder / f"{name}.log").open("rb")


def _begin(after: str | None, status: os.stat_result) -> int | None:
    """The place that a position stands for; None if there is none in this file."""
    inode, _, place = (after or "").partition("-")
    if not (inode.isdecimal() and place.isdecimal() and len(place) < 20):
        return None
    return int(place) if int(inode) == status.st_ino and int(place) <= status.st_size else None


def _shown(line: bytes) -> str:
    text = line.decode(errors="replace").rstrip("\r")
    return printable(scrub(text[:LONGEST_LINE]))


def _parts(file: BinaryIO) -> Iterator[bytes]:
    with file:
        left = os.fstat(file.fileno()).st_size
        part: list[bytes] = []
        size = 0
        for line in file:
            left -= len(line)
            part.append(_shown(line.rstrip(b"\n")).encode() + b"\n")
            size += len(line)
            if size >= _CHUNK_BYTES:
                yield b"".join(part)
                part, size = [], 0
            if left <= 0:
                break
        yield b"".join(part)
