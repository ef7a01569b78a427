"""Has new recordings indexed now and then, by a process that runs only when no other one wants the processor."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from tidzam.config import Settings
from tidzam.errors import TidzamError
from tidzam.paths import default_home
from tidzam.process import child_process
from tidzam.sound_index.vectors import search_is_installed

log = logging.getLogger(__name__)

FIRST_AFTER_S: Final = 60.0
"""Seconds after the start of the console until the first indexing: a node that starts has enough to do."""
_UNREADABLE: Final = 2


class IndexUpkeep:
    """Runs `tidzam search index --background` while `running` is open, if the settings want it."""

    def __init__(self, settings: Settings, *, first_after_s: float = FIRST_AFTER_S) -> None:
        self._is_wanted = settings.search.enabled and search_is_installed()
        self._every_s = 60 * settings.search.every_minutes
        self._first_after_s = first_after_s
        self._argv = index_argv(settings.home or default_home())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work for as long as the context is open; the process ends with it, and goes on from there the next time."""
        task = asyncio.create_task(self._repeat(), name="sound index") if self._is_wanted else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _repeat(self) -> None:
        await asyncio.sleep(self._first_after_s)
        while True:
            try:
                await self._index()
            except (TidzamError, OSError) as error:
                log.warning("recordings cannot be indexed: %s", error)
            await asyncio.sleep(self._every_s)

    async def _index(self) -> None:
        async with child_process(self._argv, name="search-index") as child:
            code = await child.wait()
        if code not in (0, _UNREADABLE):
            reason = child.tail[-1] if child.tail else f"it ended with {code}"
            log.warning("recordings cannot be indexed: %s", reason)


def index_argv(home: Path) -> list[str]:
    """The command that indexes the recordings of the node in `home`."""
    return [sys.executable, "-P", "-m", "tidzam.cli", "search", "index", "--background", "--home", str(home)]
