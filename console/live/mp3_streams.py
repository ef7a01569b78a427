"""Channels as MP3, for browsers that play no Ogg: one ffmpeg per mount, for as long as anybody listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from console.live.icecast_listener import IcecastListener, not_heard
from tidzam.errors import RequestError, TidzamError
from tidzam.process import child_process

MEDIA_TYPE: Final = "audio/mpeg"
MOST: Final = 8
"""How many mounts are encoded at a time. Each takes about 1 % of a core."""
_WAITING: Final = 64
"""Parts that wait for a listener: one that is slower is left, and connects again."""
_PART_BYTES: Final = 1 << 12
_BITRATE: Final = "128k"


def mp3_argv() -> list[str]:
    """ffmpeg that encodes Ogg from its standard input as MP3, each frame on its own, without anything before them."""
    return [
        *("ffmpeg", "-hide_banner", "-nostats", "-loglevel", "error", "-probesize", "32768", "-analyzeduration", "0"),
        *("-f", "ogg", "-i", "pipe:0", "-vn", "-c:a", "libmp3lame", "-b:a", _BITRATE, "-reservoir", "0"),
        *("-write_xing", "0", "-id3v2_version", "0", "-flush_packets", "1", "-f", "mp3", "pipe:1"),
    ]


class _Mount:
    """A mount that is encoded, and the queues of its listeners; None in a queue is the end."""

    def __init__(self) -> None:
        self.queues = set[asyncio.Queue[bytes | None]]()
        self.connected = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None

    def send(self, part: bytes) -> None:
        """Queue a part for all listeners. Those who are too slow have heard the last."""
        for queue in list(self.queues):
            if queue.full():
                self.end(queue)
            else:
                queue.put_nowait(part)

    def end(self, queue: asyncio.Queue[bytes | None]) -> None:
        """Nothing more comes for a listener."""
        self.queues.discard(queue)
        while queue.full():
            queue.get_nowait()
        queue.put_nowait(None)


class Mp3Streams:
    """The mounts that are heard as MP3. `listener` makes a connection to Icecast."""

    def __init__(self, listener: Callable[[], IcecastListener]) -> None:
        self._listener = listener
        self._mounts: dict[str, _Mount] = {}

    @property
    def count(self) -> int:
        """How many mounts are encoded."""
        return len(self._mounts)

    @asynccontextmanager
    async def listening(self, name: str) -> AsyncIterator[AsyncGenerator[bytes]]:
        """The MP3 of a mount as it comes, while the context is open. Raises RequestError (`not_heard`, `busy`)."""
        mount = self._mounts.get(name)
        if mount is None:
            if len(self._mounts) >= MOST:
                message = f"{MOST} channels are encoded for browsers without Ogg already."
                raise RequestError(message, hint="Listen to one of these, or try again later.", code="busy")
            mount = self._mounts[name] = _Mount()
            mount.task = asyncio.create_task(self._encode(name, mount), name=f"{name} as MP3")
        queue = asyncio.Queue[bytes | None](_WAITING)
        mount.queues.add(queue)
        try:
            await asyncio.shield(mount.connected)
            yield _parts(queue)
        finally:
            mount.queues.discard(queue)
            if not mount.queues and mount.task is not None:
                if self._mounts.get(name) is mount:
                    del self._mounts[name]
                mount.task.cancel()
                await asyncio.gather(mount.task, return_exceptions=True)

    async def _encode(self, name: str, mount: _Mount) -> None:
        """Encode a mount until it ends, or nobody listens."""
        listener = self._listener()
        try:
            await listener.connect(name)
            async with child_process(
                mp3_argv(), name=f"{name} mp3", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            ) as child:
                mount.connected.set_result(None)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_feed(listener, child.process.stdin))
                    tasks.create_task(_read(mount, child.process.stdout))
        except TidzamError as error:
            mount.connected.set_exception(error)
        finally:
            await listener.close()
            if self._mounts.get(name) is mount:
                del self._mounts[name]
            if not mount.connected.done():
                mount.connected.set_exception(not_heard(f"{name} has ended."))
            mount.connected.exception()  # there may be nobody who waits for it
            for queue in list(mount.queues):
                mount.end(queue)


async def _feed(listener: IcecastListener, ogg: asyncio.StreamWriter | None) -> None:
    """Pass on what Icecast sends, until the mount or ffmpeg ends."""
    assert ogg is not None
    with suppress(ConnectionError):
        async for part in listener.parts():
            ogg.write(part)
            await ogg.drain()
    ogg.close()


async def _read(mount: _Mount, mp3: asyncio.StreamReader | None) -> None:
    assert mp3 is not None
    while part := await mp3.read(_PART_BYTES):
        mount.send(part)


async def _parts(queue: asyncio.Queue[bytes | None]) -> AsyncGenerator[bytes]:
    while (part := await queue.get()) is not None:
        yield part
