"""Uploads a clip to the console of another node by tus 1.0, from where the last attempt ended.

Source: https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from analyzer.forward.link import ForwardLink, reason_of, require_accepted
from tidzam.forwarding import CHECKSUM_MISMATCH, CHUNK_TYPE, CLIPS_PATH, TUS_VERSION, encode_metadata
from tidzam.manifest_fields import sha256_of
from tidzam.spool.delivery import DeliveryError, RefusedError

LEAST_BYTES: Final = 8 * 1024
MOST_BYTES: Final = 1024 * 1024
_FIRST_BYTES: Final = 64 * 1024
_VERSION: Final = {"Tus-Resumable": TUS_VERSION}
_CREATED: Final = 201
_GONE: Final = frozenset({404, 410})
_CONFLICT: Final = 409
_MOST_DAMAGED: Final = 3


def next_part(size: int, took_s: float, timeout_s: float) -> int:
    """The size of the next part in bytes, after one of `size` took `took_s`: it is to take far less than the time
    allowed for a request, but not be so small that the link mostly waits for answers."""
    if took_s > timeout_s / 3:
        return max(LEAST_BYTES, size // 2)
    return min(MOST_BYTES, size * 2) if took_s < timeout_s / 8 else size


class ClipSender:
    """Uploads clips of `node`. `on_sent` is called with what has arrived."""

    def __init__(self, link: ForwardLink, node: str, *, on_sent: Callable[[str], None]) -> None:
        self._link, self._node, self._on_sent = link, node, on_sent
        self._part_bytes = _FIRST_BYTES

    async def send(self, name: str, path: Path) -> None:
        """Upload the clip that detections call `name`; what arrived of it before is not sent again.

        Raises RefusedError if it will never be accepted, DeliveryError and the errors of aiohttp if it is not at
        present, and OSError.
        """
        length, sha256 = await asyncio.to_thread(_measure, path)
        for _ in range(_MOST_DAMAGED):
            url, offset = await self._create(name, length, sha256)
            if await self._send_parts(url, path, offset, length):
                self._on_sent(f"{self._link.shown}{CLIPS_PATH} {name}: {length} bytes")
                return
        raise DeliveryError(f"what arrives of {name} is damaged")

    async def _create(self, name: str, length: int, sha256: str) -> tuple[str, int]:
        """The address of the upload, and how much has arrived of it."""
        metadata = encode_metadata({"filename": name, "node": self._node, "sha256": sha256})
        headers = {**_VERSION, "Upload-Length": str(length), "Upload-Metadata": metadata}
        async with self._link.request("POST", CLIPS_PATH, headers=headers) as response:
            await require_accepted(response)
            location = response.headers.get("Location")
            if response.status != _CREATED or location is None:
                raise DeliveryError(f"status {response.status} where 201 with a Location was expected")
            url = response.url.join(URL(location))
            if url.origin() != response.url.origin():
                raise DeliveryError("it names another server for the upload")
            offset = response.headers.get("Upload-Offset")
        return str(url), await self._offset(str(url)) if offset is None else int(offset)

    async def _offset(self, url: str) -> int:
        async with self._link.request("HEAD", url, headers=_VERSION) as response:
            await require_accepted(response)
            return _offset_of(response)

    async def _send_parts(self, url: str, path: Path, offset: int, length: int) -> bool:
        """Send the rest. Returns False if what has arrived is gone, or is not what was sent."""
        while offset < length:
            part = await asyncio.to_thread(_read, path, offset, self._part_bytes)
            began_s = time.monotonic()
            try:
                found = await self._send_part(url, offset, part)
            except (aiohttp.ClientError, TimeoutError):
                self._part_bytes = max(LEAST_BYTES, self._part_bytes // 2)
                raise
            if found is None:
                return False
            self._part_bytes = next_part(self._part_bytes, time.monotonic() - began_s, self._link.timeout_s)
            offset = found
        return True

    async def _send_part(self, url: str, offset: int, part: bytes) -> int | None:
        """How much has arrived with this part; None if the upload must be created again."""
        headers = {**_VERSION, "Content-Type": CHUNK_TYPE, "Upload-Offset": str(offset)}
        async with self._link.request("PATCH", url, body=part, headers=headers) as response:
            if response.status in _GONE or response.status == CHECKSUM_MISMATCH:
                return None
            if response.status != _CONFLICT:
                try:
                    await require_accepted(response)
                except RefusedError:
                    raise DeliveryError(await reason_of(response)) from None
                return _offset_of(response)
        return await self._offset(url)


def _offset_of(response: aiohttp.ClientResponse) -> int:
    try:
        return int(response.headers["Upload-Offset"])
    except (KeyError, ValueError):
        raise DeliveryError(f"status {response.status} without an Upload-Offset") from None


def _measure(path: Path) -> tuple[int, str]:
    """The size of a file and its SHA-256."""
    return path.stat().st_size, sha256_of(path)


def _read(path: Path, offset: int, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(count)
