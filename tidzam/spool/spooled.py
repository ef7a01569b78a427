"""The life of a sink that keeps its results on disk until their receiver has accepted them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tidzam.config.sink_base import SpoolSettings
from tidzam.errors import TidzamError
from tidzam.paths import spool_folder
from tidzam.spool.delivery import SpoolReceiver, SpoolSender
from tidzam.spool.spool import Spool, abandoned_folders

_MB: Final = 1_000_000


class SpooledDelivery:
    """Opened and closed with its sink, it sends in a task of its own, so that a server that hangs delays nothing.

    Closing sends what still waits, up to the first failure; the rest remains on disk for the next opening.
    """

    def __init__(
        self,
        settings: SpoolSettings,
        *,
        home: Path | None,
        name: str,
        identity: str | None,
        file_lines: int,
        former: Sequence[Path] = (),
    ) -> None:
        """`name` and `identity`, which distinguishes receivers, make the name of the folder in the home.

        What waits in the folders `former` is taken over.
        """
        self._settings, self._file_lines, self._former = settings, file_lines, former
        self._folder = folder_of(settings, home=home, name=name, identity=identity)
        self._spool: Spool | None = None
        self._receiver: SpoolReceiver | None = None
        self._sender: SpoolSender | None = None
        self._task: asyncio.Task[bool] | None = None

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        return self._sender.fault if self._sender else None

    @property
    def folder(self) -> Path:
        """The folder of the spool, which is this program's while it is open."""
        assert self._spool is not None
        return self._spool.folder

    def abandoned(self) -> Iterator[Path]:
        """The other folders of this spool that no program uses, see `abandoned_folders`. Raises OSError."""
        return abandoned_folders(self._folder)

    @property
    def waiting(self) -> int:
        """The number of lines that the receiver has not accepted yet."""
        return self._spool.waiting if self._spool is not None else 0

    async def open(self, receiver: SpoolReceiver, *, collect_s: float = 0.0) -> None:
        """Begin to send what waits. Raises TidzamError (`spool`)."""
        limit = round(self._settings.spool_mb * _MB)
        spool = Spool(self._folder, file_lines=self._file_lines, limit_bytes=limit, former=self._former)
        self._spool = await asyncio.to_thread(spool.__enter__)
        self._receiver, self._sender = receiver, SpoolSender(spool, receiver, collect_s=collect_s)
        self._task = asyncio.create_task(self._sender.run())

    async def put(self, lines: Sequence[str]) -> None:
        """Keep lines until they are sent. Raises TidzamError (`spool`)."""
        assert self._sender is not None
        if lines:
            await self._sender.put(lines)

    def wake(self) -> None:
        """Let the receiver look after its connection now."""
        assert self._sender is not None
        self._sender.wake()

    async def finish(self) -> None:
        """Send what can be sent, and then nothing more; `close` must follow."""
        assert self._sender is not None
        assert self._task is not None
        self._sender.stop()
        await self._task

    async def close(self) -> None:
        """Send what can be sent, and stop. Raises TidzamError (`unsent`) if some results remain."""
        assert self._sender is not None
        assert self._receiver is not None
        assert self._spool is not None
        assert self._task is not None
        try:
            await self.finish()
            if not self._task.result() and self._spool.waiting:
                raise TidzamError(self.fault or "", hint="They are sent after the next start.", code="unsent")
        finally:
            self._task.cancel()
            try:
                await self._receiver.disconnect()
            finally:
                self._spool.__exit__()


def folder_of(settings: SpoolSettings, *, home: Path | None, name: str, identity: str | None) -> Path:
    """The folder of a spool, see `SpooledDelivery`."""
    if settings.spool is not None:
        return settings.spool
    digest = "" if identity is None else f"-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    return spool_folder(home) / f"{name}{digest}"
