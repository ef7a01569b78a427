"""Mounts that are encoded only while somebody listens.

A mount that nobody listens to stays connected to Icecast, so that it is listed and accepts listeners, but it gets the
headers of its stream only, again and again, so that Icecast does not end it. Icecast keeps headers apart from audio: a
listener who comes waits for the first page of audio, which an encoder that starts then delivers within two seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Never

from stream_manager.icecast.mount import IcecastMount
from stream_manager.icecast.ogg import Headers, PageReader
from stream_manager.icecast.server import Icecast
from stream_manager.outputs.encoder_argv import silence_argv
from stream_manager.services import Services
from tidzam.aio import first_completed
from tidzam.errors import NodeError
from tidzam.process import child_process

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 4.0
"""How often headers are sent: Icecast ends a mount without data after 10 s."""
LINGER_S = 15.0
"""For how long encoding goes on after the last listener: players reconnect."""
HEADERS_TIMEOUT_S = 20.0

Encode = Callable[[], Coroutine[Any, Any, Never]]


async def encode_on_demand(source: str, mounts: Sequence[IcecastMount], services: Services, encode: Encode) -> Never:
    """Run `encode`, which feeds `mounts`, while anybody listens to one of them."""
    icecast, paths = services.icecast, [mount.path for mount in mounts]
    await services.graph.until(lambda graph: graph.running)
    headers = await stream_headers(services)
    while True:
        if not icecast.listeners(paths):
            await first_completed(icecast.until(lambda server: server.listeners(paths) > 0), _rest(mounts, headers))
        log.debug("%s: somebody listens", source)
        await first_completed(_until_alone(icecast, paths), encode())
        log.debug("%s: nobody has listened for %.0f s", source, LINGER_S)
        await icecast.polled()
        if not icecast.listeners(paths):  # else somebody came in the meantime, who would be disconnected
            for mount in mounts:
                mount.renew()


async def _rest(mounts: Sequence[IcecastMount], headers: bytes) -> Never:
    """Keep `mounts` connected without audio."""
    for mount in mounts:
        mount.begin()
    while True:
        for mount in mounts:
            mount.feed(headers)
        await asyncio.sleep(KEEP_ALIVE_S)


async def _until_alone(icecast: Icecast, paths: Sequence[str]) -> None:
    """Return once nobody has listened for LINGER_S. Nothing is known of listeners while Icecast is away."""
    while True:
        await icecast.until(lambda server: server.mounts is not None and server.listeners(paths) == 0)
        try:
            async with asyncio.timeout(LINGER_S):
                await icecast.until(lambda server: server.mounts is None or server.listeners(paths) > 0)
        except TimeoutError:
            return


async def stream_headers(services: Services) -> bytes:
    """The pages before the audio of a mount: those that the encoder writes for silence. Raises NodeError."""
    argv = silence_argv(services.icecast.settings, services.graph.rate_hz or 44100)
    async with (
        asyncio.timeout(HEADERS_TIMEOUT_S),
        child_process(argv, name="mount-headers", env=services.env, stdout=asyncio.subprocess.PIPE) as ffmpeg,
    ):
        assert ffmpeg.process.stdout is not None
        encoded = await ffmpeg.process.stdout.read()
    headers = Headers()
    for page in PageReader().feed(encoded):
        headers.take(page)
    if not headers.complete:
        raise NodeError(f"ffmpeg cannot encode silence: {' '.join(ffmpeg.tail)}.", hint="Set another icecast.codec.")
    return b"".join(page.data for page in headers.pages)
