"""WAV files with the metadata of recorders, made in memory."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence


def chunk(name: bytes, content: bytes) -> bytes:
    """A RIFF chunk, padded to an even length."""
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)


def wav_bytes(
    data: bytes, *, before: Sequence[bytes] = (), after: Sequence[bytes] = (), rate_hz: int = 48000, channels: int = 1
) -> bytes:
    """A WAV file of 16-bit `data` with chunks before and after them."""
    fmt = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * 2 * channels, 2 * channels, 16)
    chunks = b"".join((chunk(b"fmt ", fmt), *before, chunk(b"data", data), *after))
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def info_list(entries: Mapping[bytes, bytes]) -> bytes:
    """The content of a LIST chunk."""
    return b"INFO" + b"".join(chunk(name, text) for name, text in entries.items())


def guano_chunk(timestamp: str) -> bytes:
    """The content of a `guan` chunk."""
    return f"GUANO|Version: 1.0\nTimestamp: {timestamp}\nLoc Position: 42.1 -71.2\n".encode()


def wamd_chunk(entries: Mapping[int, bytes]) -> bytes:
    """The content of a `wamd` chunk."""
    return b"".join(struct.pack("<HI", number, len(value)) + value for number, value in entries.items())


def bext_chunk(date: str, time: str) -> bytes:
    """The content of a `bext` chunk."""
    return (b"\0" * 320 + date.encode() + time.encode()).ljust(602, b"\0")
