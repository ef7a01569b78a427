"""The link to another node's console: its address and token, the pace of sending, and its errors in words."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import aiohttp

from tidzam.config.forward_sink import ForwardSinkSettings
from tidzam.errors import ConfigError
from tidzam.scrub import scrub
from tidzam.spool.delivery import DeliveryError, RefusedError
from tidzam.tokens import bearer

REFUSALS: Final = frozenset({400, 413, 415, 422})
"""Statuses by which a console says that it will never accept this content."""
_PIECE_BYTES: Final = 4096
_KEEP_S: Final = 4.0
"""A console closes an idle connection after five seconds."""
_ANSWER_CHARACTERS: Final = 300


class SendingRate:
    """Spends bytes at a rate of `kbps` kbit/s at most; None is unlimited. All that is sent over a link shares it."""

    def __init__(self, kbps: float | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._bytes_per_s = None if kbps is None else kbps * 1000 / 8
        self._clock, self._free_at_s = clock, clock()

    def reserve_s(self, count: int) -> float:
        """The seconds to wait before `count` bytes are sent, which are reserved."""
        if self._bytes_per_s is None:
            return 0.0
        now = self._clock()
        begin_s = max(self._free_at_s, now)
        self._free_at_s = begin_s + count / self._bytes_per_s
        return begin_s - now

    async def pieces(self, body: bytes) -> AsyncIterator[bytes]:
        """A body in small pieces, each when it may be sent."""
        for first in range(0, len(body), _PIECE_BYTES):
            piece = body[first : first + _PIECE_BYTES]
            await asyncio.sleep(self.reserve_s(len(piece)))
            yield piece


class ForwardLink:
    """Requests to the console of another node. `shown` names it in messages."""

    def __init__(self, settings: ForwardSinkSettings, token: str) -> None:
        self.shown, self.timeout_s = settings.url, settings.timeout_s
        self._headers = bearer(token)
        self._tls = _tls(settings)
        self.rate = SendingRate(settings.max_kbps)
        self._session: aiohttp.ClientSession | None = None

    async def connect(self) -> None:
        """Make the session; connections are made with requests."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=2, keepalive_timeout=_KEEP_S, ssl=self._tls)
            timeout = aiohttp.ClientTimeout(self.timeout_s)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, headers=self._headers)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @asynccontextmanager
    async def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response to a request, whatever its status; `path` may be a whole address.

        Raises the errors of aiohttp, and TimeoutError.
        """
        await self.connect()
        assert self._session is not None
        given = dict(headers or {})
        data = None
        if body is not None:
            given["Content-Length"], data = str(len(body)), self.rate.pieces(body)
        url = f"{self.shown}{path}" if path.startswith("/") else path
        async with self._session.request(method, url, data=data, headers=given, allow_redirects=False) as response:
            yield response


async def require_accepted(response: aiohttp.ClientResponse) -> None:
    """Raises RefusedError for a status that will not change, DeliveryError for any other that is not 200 to 299."""
    if 200 <= response.status < 300:
        return
    reason = await reason_of(response)
    raise RefusedError(reason) if response.status in REFUSALS else DeliveryError(reason)


async def reason_of(response: aiohttp.ClientResponse) -> str:
    """What a response says about why a request failed: the message of a console's error, or else the text."""
    if response.status == HTTPStatus.UNAUTHORIZED:
        return "it refuses the token. Make a new one there with tidzam users token, and set token of the sink"
    text = (await response.text(errors="replace"))[: 4 * _ANSWER_CHARACTERS]
    try:
        text = str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        text = " ".join(text.split())
    reason = f"status {response.status} {response.reason}"
    return scrub(f"{reason}: {text[:_ANSWER_CHARACTERS]}" if text else reason).rstrip(".")


def _tls(settings: ForwardSinkSettings) -> ssl.SSLContext | bool:
    """Raises ConfigError (`secret`) for a certificate that cannot be used."""
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"The certificate {settings.ca_file} of the sink forward cannot be used: {error}.",
            hint="Correct ca_file.",
            code="secret",
        ) from None
