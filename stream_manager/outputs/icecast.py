"""Each channel as an Icecast mount, encoded by one ffmpeg per source."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import ClassVar, Never

from stream_manager.channel_selection import channel_labels, selected_channels
from stream_manager.icecast.mount import IcecastMount
from stream_manager.jack.graph import JackGraph
from stream_manager.outputs.base import OutputFault
from stream_manager.outputs.encoder_argv import encoder_argv
from stream_manager.outputs.on_demand import encode_on_demand
from stream_manager.services import Services
from tidzam.aio import first_completed
from tidzam.config import SourceSettings
from tidzam.errors import TidzamError
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.naming import ICECAST_SUFFIX, mount_name, output_client
from tidzam.process import Child, RestartPolicy, child_process

log = logging.getLogger(__name__)

POLICY = RestartPolicy(first_delay_s=0.3, max_delay_s=5.0, stable_after_s=10.0)
START_S = 2.0
"""For how long a starting ffmpeg may delay the start of others."""
START_TIMEOUT_S = 20.0
"""How long an ffmpeg may take until its first page: many may start at once on a busy machine."""


class IcecastOutput:
    """The output `icecast`, see `Output`: each channel as a mono Ogg mount, encoded always or while somebody listens.

    One ffmpeg encodes all channels. It is restarted whenever it ends, hangs or loses JACK; the mounts outlive it.
    """

    jack_suffix: ClassVar[str] = ICECAST_SUFFIX

    def __init__(self, source: SourceSettings, channels: int, services: Services) -> None:
        self._source, self._services = source.name, services
        icecast = services.icecast
        selected = selected_channels(source.channels, source.channel_names)
        labels = channel_labels(selected, channels, source.channel_names)
        self._mounts = [
            IcecastMount(mount_name(source.name, number), f"{source.name} {label}", icecast)
            for number, label in enumerate(labels)
        ]
        self._on_demand = (source.mounts or icecast.settings.mounts) == "on-demand"

    async def run(self) -> Never:
        encode = partial(_keep_encoding, self._source, self._mounts, self._services)
        async with asyncio.TaskGroup() as tasks:
            for mount in self._mounts:
                tasks.create_task(mount.serve(), name=mount.path)
            if self._on_demand:
                await encode_on_demand(self._source, self._mounts, self._services, encode)
            await encode()

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(f"{self._services.icecast.url}{mount.path}" for mount in self._mounts)

    @property
    def sent_bytes(self) -> int:
        return sum(mount.sent_bytes for mount in self._mounts)

    def faults(self) -> tuple[OutputFault, ...]:
        served = self._services.icecast.mounts
        missing = [mount.path for mount in self._mounts if mount.path not in (served or {})]
        if not missing:
            return ()
        message = f"lacks its mounts {', '.join(missing)}."
        return (OutputFault("source_mounts", message, is_reported=served is None),)


async def _keep_encoding(source: str, mounts: Sequence[IcecastMount], services: Services) -> Never:
    failures, logged = 0, ""
    while True:
        await services.graph.until(lambda g: g.running)
        began_s = time.monotonic()
        try:
            reason = await _encode_once(source, mounts, services)
        except (OSError, TidzamError) as error:  # ffmpeg could not be started
            reason = str(error)
        failures = POLICY.failures_after(failures, time.monotonic() - began_s)
        delay_s = POLICY.delay_s(failures)
        level = logging.DEBUG if reason == logged else logging.WARNING
        log.log(level, "%s: the Icecast encoder failed: %s; restarting it in %.1f s", source, reason, delay_s)
        logged = reason
        await asyncio.sleep(delay_s)


async def _encode_once(source: str, mounts: Sequence[IcecastMount], services: Services) -> str:
    """Run one ffmpeg until it ends or has to be replaced; returns the reason. Only a few start at the same time."""
    graph, icecast = services.graph, services.icecast
    async with AsyncExitStack() as starting:
        await starting.enter_async_context(icecast.starting)
        client = output_client(source, ICECAST_SUFFIX)
        async with services.openings.turn(client), _ffmpeg(source, mounts, services) as ffmpeg:
            encoding = asyncio.gather(*(mount.page_arrived.wait() for mount in mounts))
            await first_completed(graph.until(lambda g: not g.up), ffmpeg.wait(), encoding, asyncio.sleep(START_S))
            await starting.aclose()
            stalled = _until_stalled(mounts, icecast.settings.silence_timeout_s, graph)
            ended = await first_completed(graph.until(lambda g: not g.up), ffmpeg.wait(), stalled)
            if ended != 1:
                ffmpeg.kill()  # libjack may wait forever for a server that is gone; a hung process ignores TERM
    match ended:
        case 0:
            return "the JACK server is gone"
        case 1:
            last_line = f": {ffmpeg.tail[-1]}" if ffmpeg.tail else ""
            return f"ffmpeg ended with status {ffmpeg.returncode}{last_line}"
        case _:
            return "ffmpeg hung"


async def _until_stalled(mounts: Sequence[IcecastMount], timeout_s: float, graph: JackGraph) -> None:
    """Return once a mount has had no page for `timeout_s`; the first one may take START_TIMEOUT_S.

    Time while JACK is stalled does not count: no ffmpeg receives audio then.
    """
    stalled_s = -math.inf
    while True:
        await asyncio.sleep(min(1.0, timeout_s / 4))
        now_s = time.monotonic()
        stalled_s = now_s if graph.stalled else stalled_s
        for mount in mounts:
            limit_s = timeout_s if mount.has_begun else max(timeout_s, START_TIMEOUT_S)
            if now_s - max(mount.last_page_s, stalled_s) > limit_s:
                return


@asynccontextmanager
async def _ffmpeg(source: str, mounts: Sequence[IcecastMount], services: Services) -> AsyncIterator[Child]:
    """An ffmpeg that encodes each channel into a separate pipe, from which the pages go to its mount."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as pipes:
        writers = []
        for mount in mounts:
            mount.begin()
            reading, writing = os.pipe()
            writers.append(os.fdopen(writing, "wb", 0))
            pipes.callback(writers[-1].close)
            reader = partial(_PipeReader, mount.feed)
            transport, _ = await loop.connect_read_pipe(reader, os.fdopen(reading, "rb", 0))
            pipes.callback(transport.close)
        numbers = [writer.fileno() for writer in writers]
        argv = encoder_argv(source, numbers, services.icecast.settings)
        async with child_process(
            argv, name=f"{source} ffmpeg", env=services.env, grace_s=CLIENT_GRACE_S, pass_fds=numbers
        ) as ffmpeg:
            for writer in writers:
                writer.close()
            yield ffmpeg


class _PipeReader(asyncio.Protocol):
    """Passes data from a pipe on as it arrives."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def data_received(self, data: bytes) -> None:
        self._take(data)
