"""Which mounts Icecast serves at this moment, asked every second."""

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
    """The Icecast server. `mounts` maps each mount to the bytes it was sent; None while the server is away."""

    def __init__(self, settings: IcecastSettings, password: str, admin_password: str) -> None:
        self.settings = settings
        self.password = password
        self.starting = asyncio.Semaphore(STARTS_AT_ONCE)
        """Held by encoders while they start: many at once would leave the analyzer without processor time."""
        self._admin_password = admin_password
        self.mounts: Mapping[str, int] | None = None
        self._trouble = "not asked yet"

    @property
    def url(self) -> str:
        return self.settings.url

    async def watch(self) -> Never:
        """Keep `mounts` true, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(self.url, timeout=timeout) as http:
            while True:
                try:
                    self._note(await self._ask(http), "")
                except (aiohttp.ClientError, TimeoutError, ValueError, ElementTree.ParseError) as error:
                    self._note(None, str(error) or type(error).__name__)
                await asyncio.sleep(POLL_S)

    def _note(self, mounts: Mapping[str, int] | None, trouble: str) -> None:
        if trouble != self._trouble and trouble:
            log.warning("Icecast is away: %s", trouble)
        elif trouble != self._trouble:
            log.info("Icecast answers")
        self.mounts, self._trouble = mounts, trouble

    async def _ask(self, http: aiohttp.ClientSession) -> Mapping[str, int]:
        if self.mounts is None:
            await self._let_it_start(http)
        admin = {"Authorization": aiohttp.encode_basic_auth("admin", self._admin_password)}
        async with http.get("/admin/stats", headers=admin) as answer:
            if answer.status == 200:
                return parse_stats(await answer.text())
        async with http.get("/status-json.xsl") as answer:  # a server whose administrator we are not
            return parse_status(await answer.json(content_type=None))

    async def _let_it_start(self, http: aiohttp.ClientSession) -> None:
        """Icecast 2.4 may crash when it is asked for its statistics while it starts; a mount that is not is safe."""
        async with http.get("/tidzam"):
            await asyncio.sleep(SETTLE_S)


def parse_stats(text: str) -> dict[str, int]:
    """Mounts and bytes from Icecast's `/admin/stats`. Raises ElementTree.ParseError."""
    sources = ElementTree.fromstring(text).findall("source")
    return {source.attrib["mount"]: int(source.findtext("total_bytes_read", "0")) for source in sources}


def parse_status(page: Any) -> dict[str, int]:
    """Mounts from Icecast's public `/status-json.xsl`, which tells no bytes, and makes no list of a single mount."""
    source = page["icestats"].get("source", [])
    rows = source if isinstance(source, list) else [source]
    return {"/" + row["listenurl"].rpartition("/")[2]: 0 for row in rows}
