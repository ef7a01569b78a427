"""Live streams of ten clients whose packets arrive up to 300 ms late, in bursts: what is lost, and what it costs."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil

from tests.support.live import LiveClient, bursts, live_client, tone_pcm
from tests.support.manager import Manager, command_line, stream_manager
from tidzam.errors import NodeError
from tidzam.naming import LIVE_SOURCE

TITLE = "live streams: ten clients with late packets; gaps, drops and CPU"

RATES_HZ = (8000, 16000, 22050, 32000, 44100, 44100, 48000, 48000, 96000, 192000)
PACKET_S = 0.05
_CHUNK_S = 10
_BEFORE_THE_END_S = 2.0
"""The streams are judged while all of them still play: each ends when its client has nothing more to send."""


def run(say: Callable[[str], None], *, seconds: str = "300") -> dict[str, Any]:
    """Ten clients at rates from 8 to 192 kHz for `seconds`. Each of their packets is up to 300 ms late."""
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, Any] = {"live_ports": len(RATES_HZ), "outputs": []}
        with stream_manager(Path(folder), [], **options) as manager:
            manager.until(lambda: manager.health()["detail"].get("jack", False), within_s=20)
            say(f"{len(RATES_HZ)} clients for {seconds} s")
            return asyncio.run(_measure(manager, float(seconds)))


async def _measure(manager: Manager, seconds: float) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(live_client(manager)) for _ in RATES_HZ]
        ports = [await client.begin() for client in clients]
        process = _live_process(manager)
        server = psutil.Process(manager.process.pid)
        before, began_s = (_cpu_s(process), _cpu_s(server)), time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number, (client, rate_hz) in enumerate(zip(clients, RATES_HZ, strict=True)):
                tasks.create_task(_stream(client, rate_hz, seconds, seed=number))
            await asyncio.sleep(max(0.0, seconds - _BEFORE_THE_END_S))
            elapsed_s, after = time.monotonic() - began_s, (_cpu_s(process), _cpu_s(server))
            streams = (await asyncio.to_thread(manager.source, LIVE_SOURCE))["live_streams"]
    return {
        "clients": len(ports),
        "seconds": round(elapsed_s, 1),
        "gaps": sum(stream["gaps"] for stream in streams),
        "gap_s": round(sum(stream["gap_s"] for stream in streams), 3),
        "dropped_s": round(sum(stream["dropped_s"] for stream in streams), 3),
        "buffered_s": [stream["buffered_s"] for stream in streams],
        "ports_process_cpu_percent": round(100 * (after[0] - before[0]) / elapsed_s, 1),
        "stream_manager_cpu_percent": round(100 * (after[1] - before[1]) / elapsed_s, 1),
        "ports_process_mb": round(process.memory_info().rss / 1e6),
    }


async def _stream(client: LiveClient, rate_hz: int, seconds: float, *, seed: int) -> None:
    """Send a tone for `seconds`."""
    pcm = tone_pcm(440, rate_hz=rate_hz, seconds=_CHUNK_S) * max(1, round(seconds / _CHUNK_S))
    await client.stream(pcm, rate_hz=rate_hz, lateness=bursts(seed, packet_s=PACKET_S), packet_s=PACKET_S)


def _live_process(manager: Manager) -> psutil.Process:
    for child in manager.children():
        if "tidzam.jack.live_ports" in command_line(child):
            return child
    raise NodeError("The process of the live streams does not run.", hint="Read the log of the stream manager.")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
