"""The mounts that Icecast currently serves and how many listen to each, polled once per second and after changes."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Never
from xml.etree import ElementTree

import aiohttp

from tidzam.config.settings import IcecastSettings

log = logging.getLogger(__name__)

POLL_S = 1.0
EAGER_S, EAGER_POLL_S = 1.5, 0.25
"""For how long, and how often, it is polled after a mount was added: Icecast lists the mount a little later."""
TIMEOUT_S = 3.0
SETTLE_S = 0.3
STARTS_AT_ONCE = 2


@dataclass(frozen=True)
class MountStatus:
    """A mount: the bytes that it has received, and how many clients listen to it."""

    received_bytes: int
    listeners: int


Mounts = Mapping[str, MountStatus]
"""By path."""


class Icecast:
    """The Icecast server. `mounts` are those that it serves; None while the server is away."""

    def __init__(self, settings: IcecastSettings, password: str, admin_password: str) -> None:
        self.settings = settings
        self.password = password
        self.starting = asyncio.Semaphore(STARTS_AT_ONCE)
        """Held by encoders while they start: many at once would starve the analyzer of processor time."""
        self._admin_password = admin_password
        self.mounts: Mounts | None = None
        self._polled = asyncio.Condition()
        self._added = asyncio.Event()
        self._eager_until_s = -math.inf
        self._problem = "not polled yet"

    @property
    def url(self) -> str:
        return self.settings.url

    def listeners(self, paths: Iterable[str]) -> int:
        """How many clients listen to these mounts."""
        mounts = self.mounts or {}
        return sum(mounts[path].listeners for path in paths if path in mounts)

    async def until(self, condition: Callable[[Icecast], bool]) -> None:
        """Wait until `condition` is true of this server; it is asked after each poll."""
        async with self._polled:
            await self._polled.wait_for(lambda: condition(self))

    async def polled(self) -> None:
        """Wait for the next poll."""
        async with self._polled:
            await self._polled.wait()

    def poll_soon(self) -> None:
        """Poll more often for a while, since a mount was added."""
        self._eager_until_s = time.monotonic() + EAGER_S
        self._added.set()

    async def watch(self) -> Never:
        """Keep `mounts` up to date, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(self.url, timeout=timeout) as http:
            while True:
                try:
                    await self._note(await self._fetch_mounts(http), "")
                except (aiohttp.ClientError, TimeoutError, ValueError, ElementTree.ParseError) as error:
                    await self._note(None, str(error) or type(error).__name__)
                await self._pause()

    async def _pause(self) -> None:
        """Wait until the next poll is due."""
        if time.monotonic() < self._eager_until_s:
            await asyncio.sleep(EAGER_POLL_S)
            return
        self._added.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._added.wait()

    async def _note(self, mounts: Mounts | None, problem: str) -> None:
        if problem != self._problem and problem:
            log.warning("Icecast is away: %s", problem)
        elif problem != self._problem:
            log.info("Icecast answers")
        self._problem = problem
        async with self._polled:
            self.mounts = mounts
            self._polled.notify_all()

    async def _fetch_mounts(self, http: aiohttp.ClientSession) -> Mounts:
        if self.mounts is None:
            await self._wait_for_start(http)
        admin = {"Authorization": aiohttp.encode_basic_auth("admin", self._admin_password)}
        async with http.get("/admin/stats", headers=admin) as answer:
            if answer.status == 200:
                return parse_stats(await answer.text())
        async with http.get("/status-json.xsl") as answer:  # without the administrator's password
            return parse_status(await answer.json(content_type=None))

    async def _wait_for_start(self, http: aiohttp.ClientSession) -> None:
        """Icecast 2.4 may crash if it is asked while it starts: it is asked once, and its statistics a little later."""
        async with http.get("/tidzam"):
            await asyncio.sleep(SETTLE_S)


def parse_stats(text: str) -> dict[str, MountStatus]:
    """The mounts in Icecast's `/admin/stats`. Raises ElementTree.ParseError and ValueError."""
    return {
        source.attrib["mount"]: MountStatus(
            received_bytes=int(source.findtext("total_bytes_read", "0")),
            listeners=int(source.findtext("listeners", "0")),
        )
        for source in ElementTree.fromstring(text).findall("source")
    }


def parse_status(page: Any) -> dict[str, MountStatus]:
    """The mounts in Icecast's public `/status-json.xsl`, which has no byte counts.

    A single mount is not in a list there.
    """
    source = page["icestats"].get("source", [])
    rows = source if isinstance(source, list) else [source]
    return {"/" + row["listenurl"].rpartition("/")[2]: MountStatus(0, int(row.get("listeners", 0))) for row in rows}
