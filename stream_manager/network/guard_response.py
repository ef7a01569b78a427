"""Passes the responses of servers on to players: lists of HLS with addresses that lead through the guard proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from stream_manager.network.guarded_content import (
    HLS,
    MAX_HLS_BYTES,
    ContentRefusedError,
    ResponseHead,
    guarded_hls,
    parse_response_head,
)

CHUNK_BYTES = 65536


async def pass_response(server: asyncio.StreamReader, player: asyncio.StreamWriter, scheme: str) -> None:
    """Pass on one response to a request of `scheme`, at the pace of the player.

    Raises ContentRefusedError before anything is sent if it refers to what cannot be checked. Raises OSError,
    asyncio.IncompleteReadError and asyncio.LimitOverrunError if the server's response ends early or is malformed.
    """
    head = parse_response_head(await server.readuntil(b"\r\n\r\n"), scheme)
    content = _content(server, head)
    beginning = await _at_least(content, len(HLS))
    if beginning.startswith(HLS):
        beginning = guarded_hls(await _whole_list(beginning, content), scheme)
        head = head.with_length(len(beginning))
    player.write(head.encode() + beginning)
    await player.drain()
    async for data in content:
        player.write(data)
        await player.drain()


async def _content(reader: asyncio.StreamReader, head: ResponseHead) -> AsyncIterator[bytes]:
    """The content as it arrives, without the division into chunks."""
    if head.is_chunked:
        while size := await _chunk_size(reader):
            async for data in _exactly(reader, size):
                yield data
            await reader.readexactly(2)
    elif head.content_length is not None:
        async for data in _exactly(reader, head.content_length):
            yield data
    else:
        while data := await reader.read(CHUNK_BYTES):
            yield data


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    line = await reader.readuntil(b"\r\n")
    try:
        return int(line.partition(b";")[0].strip(), 16)
    except ValueError:
        raise ContentRefusedError from None


async def _exactly(reader: asyncio.StreamReader, count: int) -> AsyncIterator[bytes]:
    """`count` bytes in pieces, fewer only at the end."""
    while count > 0 and (data := await reader.read(min(count, CHUNK_BYTES))):
        count -= len(data)
        yield data


async def _at_least(content: AsyncIterator[bytes], count: int) -> bytes:
    """The first `count` bytes and what arrived with them, fewer only at the end."""
    beginning = b""
    while len(beginning) < count and (data := await anext(content, b"")):
        beginning += data
    return beginning


async def _whole_list(beginning: bytes, content: AsyncIterator[bytes]) -> bytes:
    """Raises ContentRefusedError if the list is too long."""
    whole = bytearray(beginning)
    async for data in content:
        whole += data
        if len(whole) > MAX_HLS_BYTES:
            raise ContentRefusedError
    return bytes(whole)
