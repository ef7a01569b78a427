"""A source's way to Icecast: one ffmpeg, started again whenever it, Icecast or JACK has gone."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Never

from stream_manager.commands import pusher_argv
from stream_manager.icecast import POLL_S, Icecast
from stream_manager.jack_graph import JackGraph
from stream_manager.waiting import first_of
from tidzam.errors import TidzamError
from tidzam.process import RestartPolicy, child_process

log = logging.getLogger(__name__)

POLICY = RestartPolicy(first_delay_s=0.3, max_delay_s=5.0, stable_after_s=10.0)
MOUNT_TIMEOUT_S = 8.0
"""A mount that is missing for so long while its ffmpeg lives shows that the ffmpeg hangs."""

GRACE_S = 5.0
"""A JACK client that is killed while it takes its leave holds up the others' changes: better wait."""


async def push(source: str, channels: int, graph: JackGraph, icecast: Icecast, env: dict[str, str]) -> Never:
    """Serve every channel of `source` as a mount, until cancelled."""
    failures, told = 0, ""
    while True:
        await graph.until(lambda g: g.up)
        await icecast.answering()
        began_s = time.monotonic()
        try:
            why = await _push_once(source, channels, graph, icecast, env)
        except (OSError, TidzamError) as error:  # ffmpeg cannot even be started
            why = str(error)
        failures = POLICY.failures_after(failures, time.monotonic() - began_s)
        delay_s = POLICY.delay_s(failures)
        log.log(
            logging.DEBUG if why == told else logging.WARNING,
            "%s: its way to Icecast broke off: %s; again in %.1f s",
            source,
            why,
            delay_s,
        )
        told = why
        await asyncio.sleep(delay_s)


async def _push_once(source: str, channels: int, graph: JackGraph, icecast: Icecast, env: dict[str, str]) -> str:
    """Run one ffmpeg until it ends or is of no use any more; returns why."""
    argv = pusher_argv(source, channels, icecast.settings, password=icecast.password)
    async with child_process(argv, name=f"{source} ffmpeg", env=env, grace_s=GRACE_S) as ffmpeg:
        ended = await first_of(
            graph.until(lambda g: not g.up), ffmpeg.wait(), _mounts_missing(source, channels, icecast)
        )
        if not graph.up:
            ffmpeg.kill()  # libjack may wait for ever to take leave of a server that is gone
    match ended:
        case 0:
            return "the JACK server went"
        case 1:
            last_words = f", {ffmpeg.tail[-1]}" if ffmpeg.tail else ""
            return f"ffmpeg ended with {ffmpeg.returncode}{last_words}"
        case _:
            return "its mounts are missing"


async def _mounts_missing(source: str, channels: int, icecast: Icecast) -> None:
    """Return once a mount was missing for `MOUNT_TIMEOUT_S` while Icecast answered."""
    missing_s = 0.0
    while missing_s < MOUNT_TIMEOUT_S:
        await asyncio.sleep(POLL_S)
        served = icecast.mounts is None or not icecast.missing(source, channels)
        missing_s = 0.0 if served else missing_s + POLL_S
