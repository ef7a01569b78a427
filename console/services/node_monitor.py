"""Asks the stream manager and the analyzer for their health, so that no page has to wait for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import aiohttp
from pydantic import ValidationError

from console.services.node_state import Answer, NodeView, analyzer_health, manager_health, node_view
from tidzam.aio import in_background
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.protocol.stream_manager import StreamManagerHealth
from tidzam.tokens import bearer

log = logging.getLogger(__name__)

EVERY_S: Final = 2.0
TIMEOUT_S: Final = 3.0


class NodeMonitor:
    """The last known state of the node. It is renewed every two seconds while `running` is open."""

    def __init__(
        self, name: str, *, manager: str, analyzer: str, token: str | None, now: Callable[[], datetime]
    ) -> None:
        """`manager` and `analyzer` are the addresses of the two programs, `token` the node's."""
        self._name, self._manager, self._analyzer = name, manager, analyzer
        self._token, self._now = token, now
        self._view = node_view(name, None, None, now=now())
        self._manager_health: StreamManagerHealth | None = None
        self._analysis: AnalyzerHealth | None = None

    @property
    def analyzer(self) -> str:
        """The address of the analyzer."""
        return self._analyzer

    @property
    def analysis(self) -> AnalyzerHealth | None:
        """What the analyzer reported last; None if it does not answer. May be read from any thread."""
        return self._analysis

    @property
    def view(self) -> NodeView:
        """The state when it was last asked for. May be read from any thread."""
        return self._view

    @property
    def manager_health(self) -> StreamManagerHealth | None:
        """What the stream manager last reported; None if it is away."""
        return self._manager_health

    async def refresh(self) -> None:
        """Ask both programs now, and wait for their answers for up to three seconds."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, headers=bearer(self._token)) as session:
            await self._ask(session)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Renew the state for as long as the context is open."""
        async with in_background(self._run(), name="node monitor"):
            yield

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, headers=bearer(self._token)) as session:
            while True:
                try:
                    await self._ask(session)
                except Exception:  # a fault in one answer must not end the monitor
                    log.exception("the state of the node could not be found out")
                await asyncio.sleep(EVERY_S)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        manager, analyzer = await asyncio.gather(_answer(session, self._manager), _answer(session, self._analyzer))
        self._manager_health = manager_health(manager)
        self._view = node_view(self._name, manager, analyzer, now=self._now())
        self._analysis = analyzer_health(analyzer)


async def _answer(session: aiohttp.ClientSession, url: str) -> Answer | None:
    """The health of a program, whose status is 503 if it is not healthy; None if it does not answer."""
    try:
        async with session.get(f"{url}/healthz") as response:
            return Answer.model_validate_json(await response.read())
    except (aiohttp.ClientError, OSError, TimeoutError, ValidationError):
        return None
