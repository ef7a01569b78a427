"""A Socket.IO client that sends what it is given and never reads."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

WEBSOCKET: Final = "/socket.io/?EIO=4&transport=websocket"
_RECEIVE_BYTES: Final = 4096
"""What the kernel may hold for the client."""


async def connect_and_stop_reading(url: str, packets: Sequence[str]) -> asyncio.StreamWriter:
    """Connect to the server at `url`, read nothing from then on, and send `packets`.

    Raises OSError and asyncio.IncompleteReadError. That the server ends the connection shows when something is sent.
    """
    address = urlsplit(url)
    place = socket.create_connection((address.hostname, address.port))
    place.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    reader, writer = await asyncio.open_connection(sock=place, limit=1024)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
    upgrade = f"Host: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n"
    writer.write(f"GET {WEBSOCKET} HTTP/1.1\r\n{upgrade}".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a selector transport has it
    for packet in packets:
        writer.write(text_frame(packet))
    return writer


def text_frame(text: str) -> bytes:
    """A masked WebSocket text frame of up to 65,535 bytes, its mask all zeros."""
    payload = text.encode()
    length = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    return b"\x81" + bytes([0x80 | length[0]]) + length[1:] + bytes(4) + payload
