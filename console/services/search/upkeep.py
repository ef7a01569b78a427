"""Has new recordings indexed soon after they are complete, when no other program wants the processor."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from tidzam.aio import in_background
from tidzam.config import Settings
from tidzam.errors import StoreError, TidzamError
from tidzam.paths import default_home
from tidzam.process import child_process
from tidzam.sound_index.vectors import search_is_installed
from tidzam.store.database import Store
from tidzam.store.tables.recordings import RecordingRow

log = logging.getLogger(__name__)

FIRST_AFTER_S: Final = 60.0
"""Seconds after the start of the console until the first indexing: a node that starts has enough to do."""
LOOK_EVERY_S: Final = 60.0
"""Seconds between two looks for new recordings, which cost one row of the store."""
_LONG_S: Final = 60.0
"""Seconds of an indexing after which the next one waits: there is much to do, or a slow processor."""
_UNREADABLE: Final = 2


class IndexUpkeep:
    """Runs `tidzam search index --background` while `running` is open, if the settings want it.

    It runs when there are new recordings, and every `search.every_minutes` in any case; after a long run, only then.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        first_after_s: float = FIRST_AFTER_S,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._store, self._look_every_s = store, look_every_s
        self._is_wanted = settings.search.enabled and search_is_installed()
        self._every_s = 60 * settings.search.every_minutes
        self._first_after_s = first_after_s
        self._argv = index_argv(settings.home or default_home())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work for as long as the context is open; the process ends with it, and goes on from there the next time."""
        async with in_background(self._repeat(), name="sound index") if self._is_wanted else nullcontext():
            yield

    async def _repeat(self) -> None:
        await asyncio.sleep(self._first_after_s)
        while True:
            known, begun = await asyncio.to_thread(self._newest), time.monotonic()
            try:
                await self._index()
            except (TidzamError, OSError) as error:
                log.warning("recordings cannot be indexed: %s", error)
            is_long = time.monotonic() - begun > _LONG_S
            await (asyncio.sleep(self._every_s) if is_long else self._wait_for_new(known))

    async def _wait_for_new(self, known: int | None) -> None:
        """Return once another recording is stored, or after `search.every_minutes`."""
        left_s = self._every_s
        while left_s > 0:
            await asyncio.sleep(min(self._look_every_s, left_s))
            left_s -= self._look_every_s
            if await asyncio.to_thread(self._newest) != known:
                return

    def _newest(self) -> int | None:
        """The number of the last recording that was stored; None if there is none, or the store is away."""
        try:
            with self._store.read() as session:
                return session.scalar(select(func.max(RecordingRow.id)))
        except StoreError:
            return None

    async def _index(self) -> None:
        async with child_process(self._argv, name="search-index") as child:
            code = await child.wait()
        if code not in (0, _UNREADABLE):
            reason = child.tail[-1] if child.tail else f"it ended with {code}"
            log.warning("recordings cannot be indexed: %s", reason)


def index_argv(home: Path) -> list[str]:
    """The command that indexes the recordings of the node in `home`."""
    return [sys.executable, "-P", "-m", "tidzam.cli", "search", "index", "--background", "--home", str(home)]
