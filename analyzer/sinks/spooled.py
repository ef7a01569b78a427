"""The life of a sink that keeps its results on disk until a web server has accepted them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from analyzer.sinks.posting import Post, Poster
from analyzer.sinks.spool import Spool
from tidzam.config.sink_base import SpoolSettings
from tidzam.errors import TidzamError
from tidzam.paths import spool_folder

_MB: Final = 1_000_000


class SpooledDelivery:
    """Opened and closed with its sink, it sends in a task of its own, so that a server that hangs delays nothing.

    Closing sends what still waits, up to the first failure; the rest remains on disk for the next opening.
    """

    def __init__(
        self, settings: SpoolSettings, *, home: Path | None, name: str, identity: str, file_lines: int
    ) -> None:
        """`name` and `identity`, which distinguishes servers, make the name of the folder in the home."""
        self._settings, self._file_lines = settings, file_lines
        digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
        self._folder: Path = settings.spool or spool_folder(home) / f"{name}-{digest}"
        self._spool: Spool | None = None
        self._poster: Poster | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        return self._poster.fault if self._poster else None

    async def open(
        self, url: str, compose: Callable[[Sequence[str]], Post], *, shown: str, collect_s: float = 0.0
    ) -> None:
        """Begin to send what waits. Raises TidzamError (`spool`)."""
        limit = round(self._settings.spool_mb * _MB)
        spool = Spool(self._folder, file_lines=self._file_lines, limit_bytes=limit)
        self._spool = await asyncio.to_thread(spool.__enter__)
        self._poster = Poster(spool, url, compose, shown=shown, timeout_s=self._settings.timeout_s, collect_s=collect_s)
        self._task = asyncio.create_task(self._poster.run())

    async def put(self, lines: Sequence[str]) -> None:
        """Keep lines until they are sent. Raises TidzamError (`spool`)."""
        assert self._poster is not None
        if lines:
            await self._poster.put(lines)

    async def close(self) -> None:
        """Send what can be sent, and stop. Raises TidzamError (`unsent`) if some results remain."""
        assert self._poster is not None
        assert self._spool is not None
        assert self._task is not None
        try:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not await self._poster.flush():
                raise TidzamError(self._poster.fault or "", hint="They are sent after the next start.", code="unsent")
        finally:
            self._spool.__exit__()
