"""Receives the parts of an upload as they come: what has arrived stays, also if the connection is cut."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from console.services.forwarding.uploads import Upload, UploadShelf
from tidzam.aio import first_completed
from tidzam.errors import RequestError

ALGORITHMS: Final = ("sha1", "sha256", "md5")
"""Those of the checksum of a part."""


@dataclass
class _Turn:
    """The time in which a request works on an upload. It is to end when `lost` is set, and `ended` says that it has."""

    lost: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class UploadTurns:
    """Gives an upload to one request at a time: the newest, since an older one may hang on a dead connection."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def taken(self, upload_id: str) -> AsyncIterator[asyncio.Event]:
        """The upload is this request's until the event is set, after which it is to end soon."""
        while (other := self._turns.get(upload_id)) is not None:
            other.lost.set()
            await other.ended.wait()
        turn = self._turns[upload_id] = _Turn()
        try:
            yield turn.lost
        finally:
            del self._turns[upload_id]
            turn.ended.set()


@dataclass(frozen=True)
class PartChecksum:
    """What the sender states of a part: its digest by an algorithm."""

    algorithm: str
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> PartChecksum:
        """The header `Upload-Checksum`. Raises RequestError (`request`)."""
        algorithm, _, encoded = text.partition(" ")
        try:
            if algorithm not in ALGORITHMS:
                raise ValueError(algorithm)
            return cls(algorithm, base64.b64decode(encoded, validate=True))
        except ValueError:
            message = f"Upload-Checksum is not one of {', '.join(ALGORITHMS)} in base64."
            raise RequestError(message, code="request", field="Upload-Checksum") from None


async def receive_part(
    shelf: UploadShelf,
    upload: Upload,
    parts: AsyncIterator[bytes],
    lost: asyncio.Event,
    *,
    checksum: PartChecksum | None = None,
) -> Upload:
    """Append what comes to an upload. Returns it as it is then, complete if all has arrived.

    Without a checksum, what has arrived stays whatever happens; with one, only a part that is whole and right.
    Raises RequestError (`request` for more than was announced, `upload_taken`, `clip_damaged`), OSError, and what
    `parts` raises.
    """
    begin, path = upload.offset, shelf.part(upload)
    digest = None if checksum is None else hashlib.new(checksum.algorithm, usedforsecurity=False)
    is_right, received = False, begin
    file = await asyncio.to_thread(path.open, "ab")
    try:
        async for part in _until(parts, lost):
            if received + len(part) > upload.length:
                raise RequestError("More has arrived than was announced.", code="request", field="Upload-Length")
            if digest is not None:
                digest.update(part)
            await asyncio.to_thread(file.write, part)
            received += len(part)
        is_right = checksum is None or digest is None or digest.digest() == checksum.digest
    finally:
        await asyncio.to_thread(_close, file, None if is_right or checksum is None else begin)
    if not is_right:
        raise RequestError("The checksum of the part is another one.", hint="Send it again.", code="clip_damaged")
    if received == upload.length:
        return await asyncio.to_thread(shelf.finish, upload)
    return await asyncio.to_thread(shelf.find, upload.node, upload.id)


async def _until(parts: AsyncIterator[bytes], lost: asyncio.Event) -> AsyncIterator[bytes]:
    """The parts. Raises RequestError (`upload_taken`) when another request works on the upload."""
    while True:
        coming = asyncio.ensure_future(anext(parts, None))
        if await first_completed(coming, lost.wait()) == 1:
            raise RequestError("Another request goes on with this upload.", code="upload_taken")
        part = coming.result()
        if part is None:
            return
        if part:
            yield part


def _close(file: Any, keep: int | None) -> None:
    """Put a file on disk, with all that was written, or only with the first `keep` bytes."""
    with file:
        file.flush()
        if keep is not None:
            file.truncate(keep)
        os.fsync(file.fileno())
