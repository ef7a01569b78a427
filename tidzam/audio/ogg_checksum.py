"""The checksum of an Ogg page, for reading files and for relaying streams."""

from __future__ import annotations

import zlib

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def ogg_checksum(page: bytes | bytearray) -> int:
    """The CRC-32 of a page whose own checksum field is 0 (RFC 3533, polynomial 0x04C11DB7).

    It is zlib's with the bits in the opposite order; the register begins with 0 and is not inverted at the end.
    """
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED), "big")
