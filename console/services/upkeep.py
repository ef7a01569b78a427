"""The upkeep of the store: retention now and then, sessions that have ended, and the sound of what people marked."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from console.accounts.recognition import forget_ended_sessions
from console.accounts.session_policy import SessionPolicy
from console.services.kept_sound import KeptSound
from tidzam.accounts.audit import RETENTION, AuditAction, record
from tidzam.config import Settings
from tidzam.store.database import Store
from tidzam.store.retention import StoreRetention

log = logging.getLogger(__name__)

_SESSIONS_EVERY_S: Final = 3600.0
EVERY_S: Final = 20.0
"""Seconds between two looks for what was marked or judged."""


class StoreUpkeep:
    """Looks after the store while `running` is open, in a thread."""

    def __init__(self, store: Store, settings: Settings, *, now: Callable[[], datetime]) -> None:
        self._store, self._sessions = store, SessionPolicy.of(settings.console)
        self._retention = StoreRetention(store, settings.store.retention, node=settings.node.known_as)
        self._sound = KeptSound(store, settings)
        self._every_s = 60 * settings.store.retention.every_minutes
        self._now = now
        self._stop = threading.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work for as long as the context is open."""
        tasks = [
            asyncio.create_task(self._repeat(self._keep_sound, EVERY_S), name="kept sound"),
            asyncio.create_task(self._repeat(self._remove, self._every_s), name="retention"),
            asyncio.create_task(self._repeat(self._forget_sessions, _SESSIONS_EVERY_S), name="ended sessions"),
        ]
        try:
            yield
        finally:
            self._stop.set()
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _repeat(self, job: Callable[[], None], every_s: float) -> None:
        while True:
            try:
                await asyncio.to_thread(job)
            except Exception as error:  # noqa: BLE001  whatever it is, the next time may work
                log.warning("upkeep of the store failed: %s", error)
            await asyncio.sleep(every_s)

    def _keep_sound(self) -> None:
        self._sound.refresh()

    def _forget_sessions(self) -> None:
        forget_ended_sessions(self._store, self._sessions, now=self._now())

    def _remove(self) -> None:
        removed = vars(self._retention.apply(now=self._now(), stop=self._stop))
        if any(removed.values()):
            log.info(
                "rows removed by retention: %s", ", ".join(f"{count:,} of {what}" for what, count in removed.items())
            )
            counts = {what: str(count) for what, count in removed.items() if count}
            with self._store.write() as session:
                record(session, RETENTION, AuditAction.ROWS_REMOVED, "store", now=self._now(), **counts)
