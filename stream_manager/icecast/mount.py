"""The connection of a mount to Icecast. It holds the password, so that no encoder has it in its command line."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Never

import aiohttp

from stream_manager.icecast.ogg import Headers, Page, PageReader
from stream_manager.icecast.server import Icecast
from tidzam.addresses import url_host
from tidzam.icecast_passwords import PASSWORD_ENV
from tidzam.process import RestartPolicy

log = logging.getLogger(__name__)

POLICY = RestartPolicy(first_delay_s=0.2, max_delay_s=2.0, stable_after_s=5.0)
RENEWAL_S = 0.05
"""How long Icecast may take to end the mount of a connection that was closed: longer, and it refuses the next one."""
TIMEOUT_S = 5.0
"""How long Icecast may take to accept a connection, and to answer."""
MAX_WAITING_BYTES = 256 * 1024
"""The maximum number of bytes buffered for an Icecast that does not read: several times what is usual."""


class MountRefusedError(Exception):
    """Icecast does not accept the mount; the text contains its answer."""


class IcecastMount:
    """One mount. `feed` never waits: while Icecast is away, audio is dropped.

    A connection begins with the headers of the current stream, so the encoder can run on while Icecast restarts.
    `sent_bytes` counts the bytes sent to Icecast, `last_page_s` is when the last page arrived (monotonic clock).
    """

    def __init__(self, path: str, title: str, icecast: Icecast) -> None:
        self.path, self.sent_bytes = path, 0
        self.last_page_s = time.monotonic()
        self._title, self._icecast = title, icecast
        self._reader, self._headers = PageReader(), Headers()
        self._connection: asyncio.StreamWriter | None = None
        self._sequence = 0
        self._is_renewed = False
        self.page_arrived = asyncio.Event()
        """Set by each page that arrives."""

    def begin(self) -> None:
        """Expect the stream of another encoder."""
        self._reader, self._headers = PageReader(), Headers()
        self.last_page_s = time.monotonic()
        self.page_arrived.clear()

    def renew(self) -> None:
        """Connect again, so that Icecast forgets the audio that it still has. Meanwhile it does not know the mount."""
        if self._connection is not None:
            self._is_renewed = True
            self._connection.close()

    @property
    def has_begun(self) -> bool:
        """Whether the current encoder has written anything, headers included."""
        return bool(self._headers.pages)

    def feed(self, data: bytes) -> None:
        """Process output of the encoder."""
        for page in self._reader.feed(data):
            self.last_page_s = time.monotonic()
            self._headers.take(page)
            self.page_arrived.set()
            if self._connection is not None:
                self._send(page, self._connection)

    def _send(self, page: Page, connection: asyncio.StreamWriter) -> None:
        if connection.transport.get_write_buffer_size() > MAX_WAITING_BYTES:
            connection.transport.abort()  # the next connection begins with the headers again
            return
        self._sequence = 0 if page.is_first else self._sequence + 1
        data = page.numbered(self._sequence)
        connection.write(data)
        self.sent_bytes += len(data)

    async def serve(self) -> Never:
        """Keep the mount connected while audio arrives, until cancelled."""
        failures, logged = 0, ""
        while True:
            self.page_arrived.clear()
            await self.page_arrived.wait()
            if not self._headers.complete:
                continue
            began_s = time.monotonic()
            try:
                await self._serve_once()
            except (OSError, TimeoutError) as error:
                log.debug("%s: %s", self.path, error or type(error).__name__)
            except MountRefusedError as error:
                log.log(logging.DEBUG if str(error) == logged else logging.WARNING, "%s: %s", self.path, error)
                logged = str(error)
            failures = POLICY.failures_after(failures, time.monotonic() - began_s)
            await asyncio.sleep(RENEWAL_S if self._is_renewed else POLICY.delay_s(failures))
            self._is_renewed = False

    async def _serve_once(self) -> None:
        """One connection, until it ends. Raises OSError, TimeoutError and MountRefusedError."""
        settings = self._icecast.settings
        async with asyncio.timeout(TIMEOUT_S):
            answer, connection = await asyncio.open_connection(settings.reachable_host, settings.port)
        try:
            connection.write(self._request())
            async with asyncio.timeout(TIMEOUT_S):
                await _accepted(answer)
            log.debug("%s: accepted by Icecast", self.path)
            for page in self._headers.pages:
                self._send(page, connection)
            self._connection = connection
            self._icecast.poll_soon()
            while await answer.read(1024):
                pass
        finally:
            self._connection = None
            connection.transport.abort()

    def _request(self) -> bytes:
        settings = self._icecast.settings
        head = {
            "Host": f"{url_host(settings.reachable_host)}:{settings.port}",
            "Authorization": aiohttp.encode_basic_auth("source", self._icecast.password),
            "User-Agent": "Tidzam",
            "Content-Type": "application/ogg",
            "Ice-Name": self._title,
            "Ice-Public": "0",
            "Expect": "100-continue",
        }
        lines = [f"PUT {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _accepted(answer: asyncio.StreamReader) -> None:
    """Wait until Icecast accepts the mount. Raises MountRefusedError."""
    line = (await answer.readline()).decode(errors="replace").strip()
    if not line:
        raise ConnectionResetError("Icecast closed the connection")
    status = line.split(" ", 2)[1:2]
    if status not in (["100"], ["200"]):
        hint = f"; set {PASSWORD_ENV} to its source password" if status == ["401"] else ""
        raise MountRefusedError(f"Icecast refuses the mount: {line}{hint}")
