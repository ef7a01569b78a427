"""The file `SHA256SUMS` of a backup, in the format of `sha256sum`: `sha256sum -c SHA256SUMS` checks it by hand."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

_CHUNK: Final = 1 << 20
_LINE: Final = re.compile(rb"(\\?)([0-9a-f]{64})  ([^\n]+)")
_ESCAPES: Final = {b"\\\\": b"\\", b"\\n": b"\n", b"\\r": b"\r"}


class UnreadableError(Exception):
    """A file cannot be read; the message is the reason."""


def checksum(path: Path, *, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError and UnreadableError."""
    with path.open("rb") as file:
        return copied(file, None, on_bytes=on_bytes)


def copied(source: BinaryIO, target: BinaryIO | None, *, on_bytes: Callable[[int], None] = lambda _: None) -> str:
    """Copy a file to its end, and return its SHA-256. `on_bytes` is called with the size of each piece.

    Raises OSError if the target cannot be written, and UnreadableError if the source cannot be read.
    """
    digest = hashlib.sha256()
    while piece := read_piece(source):
        digest.update(piece)
        if target is not None:
            target.write(piece)
        on_bytes(len(piece))
    return digest.hexdigest()


def read_piece(file: BinaryIO, size: int = _CHUNK) -> bytes:
    """The next bytes of a file, empty at its end. Raises UnreadableError."""
    try:
        return file.read(size)
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from error


def to_text(sums: Mapping[str, str]) -> bytes:
    """The content of the file for the sums of files by their paths, which are relative to the backup.

    A name with a line break is escaped as `sha256sum` does it.
    """
    return b"".join(_line(os.fsencode(path), sums[path].encode()) for path in sorted(sums))


def _line(path: bytes, digest: bytes) -> bytes:
    escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != path else b"") + digest + b"  " + escaped + b"\n"


def parse(content: bytes) -> dict[str, str]:
    """The inverse of `to_text`. Raises ValueError for a line that is none."""
    return dict(_parsed(content))


def _parsed(content: bytes) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"line {number} is not a checksum and a path")
        mark, digest, path = found.groups()
        if mark:
            path = re.sub(rb"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), path)
        yield os.fsdecode(path), digest.decode()
    if not content.endswith(b"\n"):
        raise ValueError("it is cut short")
