"""The mounts that Icecast currently serves, polled once per second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Never
from xml.etree import ElementTree

import aiohttp

from tidzam.config.settings import IcecastSettings

log = logging.getLogger(__name__)

POLL_S = 1.0
TIMEOUT_S = 3.0
SETTLE_S = 0.3
STARTS_AT_ONCE = 2


class Icecast:
    """The Icecast server. `mounts` maps each mount to the bytes that it received; None while the server is away."""

    def __init__(self, settings: IcecastSettings, password: str, admin_password: str) -> None:
        self.settings = settings
        self.password = password
        self.starting = asyncio.Semaphore(STARTS_AT_ONCE)
        """Held by encoders while they start: many at once would starve the analyzer of processor time."""
        self._admin_password = admin_password
        self.mounts: Mapping[str, int] | None = None
        self._problem = "not polled yet"

    @property
    def url(self) -> str:
        return self.settings.url

    async def watch(self) -> Never:
        """Keep `mounts` up to date, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(self.url, timeout=timeout) as http:
            while True:
                try:
                    self._note(await self._fetch_mounts(http), "")
                except (aiohttp.ClientError, TimeoutError, ValueError, ElementTree.ParseError) as error:
                    self._note(None, str(error) or type(error).__name__)
                await asyncio.sleep(POLL_S)

    def _note(self, mounts: Mapping[str, int] | None, problem: str) -> None:
        if problem != self._problem and problem:
            log.warning("Icecast is away: %s", problem)
        elif problem != self._problem:
            log.info("Icecast answers")
        self.mounts, self._problem = mounts, problem

    async def _fetch_mounts(self, http: aiohttp.ClientSession) -> Mapping[str, int]:
        if self.mounts is None:
            await self._wait_for_start(http)
        admin = {"Authorization": aiohttp.encode_basic_auth("admin", self._admin_password)}
        async with http.get("/admin/stats", headers=admin) as answer:
            if answer.status == 200:
                return parse_stats(await answer.text())
        async with http.get("/status-json.xsl") as answer:  # without the administrator's password
            return parse_status(await answer.json(content_type=None))

    async def _wait_for_start(self, http: aiohttp.ClientSession) -> None:
        """Icecast 2.4 may crash if its statistics are requested while it starts; requesting a missing mount is safe."""
        async with http.get("/tidzam"):
            await asyncio.sleep(SETTLE_S)


def parse_stats(text: str) -> dict[str, int]:
    """Mounts and bytes from Icecast's `/admin/stats`. Raises ElementTree.ParseError."""
    sources = ElementTree.fromstring(text).findall("source")
    return {source.attrib["mount"]: int(source.findtext("total_bytes_read", "0")) for source in sources}


def parse_status(page: Any) -> dict[str, int]:
    """Mounts from Icecast's public `/status-json.xsl`, which has no byte counts.

    A single mount is not in a list there.
    """
    source = page["icestats"].get("source", [])
    rows = source if isinstance(source, list) else [source]
    return {"/" + row["listenurl"].rpartition("/")[2]: 0 for row in rows}
