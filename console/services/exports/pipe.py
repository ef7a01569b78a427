"""A file in memory that is read while it is written."""

from __future__ import annotations

import io


class WritePipe(io.RawIOBase):
    """A file that can only be written; `take` returns what was written since the last time."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """The content since the last call."""
        taken, self._parts = b"".join(self._parts), []
        return taken
