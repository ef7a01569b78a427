"""Listening to a channel: the stream of its mount in Icecast, as it comes."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

import aiohttp

from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.icecast_passwords import LISTENER

_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=30.0)
_MEDIA_TYPES: Final = ("audio/", "application/ogg")


class IcecastListener:
    """A connection to a mount. It is open until `close` is called, or `connect` has failed."""

    def __init__(self, settings: Settings, token: str | None) -> None:
        """`token` is the node's, with which Icecast admits listeners if listening requires it."""
        needs_token = settings.access.listen_mode == "token" and token
        credentials = base64.b64encode(f"{LISTENER}:{token}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"} if needs_token else {}
        self._url = settings.icecast.url
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers)
        self._response: aiohttp.ClientResponse | None = None

    async def connect(self, mount: str) -> str:
        """Connect to a mount, and return its media type. Raises RequestError (`not_heard`)."""
        try:
            self._response = await self._session.get(f"{self._url}/{mount}", allow_redirects=False)
        except (aiohttp.ClientError, OSError, TimeoutError):
            await self.close()
            raise not_heard("Icecast does not answer.") from None
        media_type = self._response.content_type
        if self._response.status != 200 or not media_type.startswith(_MEDIA_TYPES):
            await self.close()
            raise not_heard(f"Icecast does not play {mount} (status {self._response.status}).")
        return media_type

    async def parts(self) -> AsyncGenerator[bytes]:
        """The sound as it comes, until the mount ends."""
        assert self._response is not None, "not connected"
        with suppress(aiohttp.ClientError, OSError, TimeoutError):  # the mount has ended
            async for part in self._response.content.iter_any():
                yield part

    async def close(self) -> None:
        """Leave the mount."""
        await self._session.close()


def not_heard(message: str) -> RequestError:
    """The error of a channel that cannot be listened to."""
    return RequestError(message, hint="See the page Node.", code="not_heard")
