"""The effect of misbehaving clients on a well-behaved one: its events while others idle, never read, never finish a
request, and flood."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import socketio

from benchmarks import crowd
from benchmarks.harness import LiveAnalyzer, analyzer, feeder, jack_server, program
from tidzam.errors import NodeError
from tidzam.protocol.analyzer import AnalysisEvent

TITLE = "events of a well-behaved client while others idle, never read, never finish a request, and flood"

RATE_HZ = 48000
PERIOD = 1024
CHANNELS = 4
OVERLAP = 0.5
HOP_S = 0.5
BOUND_MS = 150.0
_QUIET_S = 10.0
_AFTER_S = 15.0


@dataclass
class ReceivedEvents:
    """What the well-behaved client received, and how long after the end of its window each event arrived."""

    starts: dict[str, list[float]] = field(default_factory=dict)
    late_ms: list[float] = field(default_factory=list)

    def add(self, data: Any) -> None:
        event = AnalysisEvent.model_validate(data)
        self.starts.setdefault(event.channel, []).append(event.start.timestamp())
        self.late_ms.append((time.time() - event.end.timestamp()) * 1000)

    def missed(self) -> int:
        """Windows between the first and the last of each channel that did not arrive."""
        return sum(round((starts[-1] - starts[0]) / HOP_S) + 1 - len(starts) for starts in self.starts.values())


def run(say: Callable[[str], None], *, seconds: str = "60") -> dict[str, Any]:
    """A live analyzer with four channels. First, only the well-behaved client listens; then, for `seconds`, 300 idle
    clients, 20 that never read, 1000 unfinished requests and a flood are connected as well; then they disconnect."""
    with tempfile.TemporaryDirectory() as folder, jack_server(rate_hz=RATE_HZ, period=PERIOD) as server:
        log = Path(folder) / "analyzer.log"
        with (
            feeder(server, f"--channels={CHANNELS}"),
            analyzer(server, "*:out_*", f"--overlap={OVERLAP}", log=log) as listener,
        ):
            listener.wait(channels=CHANNELS)
            return asyncio.run(_measure(listener, say, float(seconds))) | {"log_bytes": log.stat().st_size}


async def _measure(listener: LiveAnalyzer, say: Callable[[str], None], seconds: float) -> dict[str, Any]:
    process = psutil.Process(listener.pid)
    received = ReceivedEvents()
    client = socketio.AsyncClient(reconnection=False)
    client.on("analysis", received.add)
    await client.connect(listener.url, transports=["websocket"])
    await client.call("subscribe", {"events": ["analysis"], "mute_sys": True})
    say(f"the well-behaved client alone, for {_QUIET_S:.0f} s")
    await asyncio.sleep(_QUIET_S)
    quiet, before_mb = len(received.late_ms), process.memory_info().rss / 1e6
    say(f"{crowd.IDLE} idle, {crowd.DEAF} deaf, {crowd.LORIS} unfinished requests, one flood, for {seconds:.0f} s")
    async with _crowd(listener.url) as others:
        peak_mb = await _peak_mb(process, seconds)
        counts = await asyncio.to_thread(_counts, others)
        busy = len(received.late_ms)
    say(f"they have disconnected; {_AFTER_S:.0f} s more")
    await asyncio.sleep(_AFTER_S)
    connected = client.connected
    await client.disconnect()
    return _figures(received, quiet, busy) | {
        "stayed_connected": connected,
        "memory_before_mb": round(before_mb),
        "memory_peak_mb": round(peak_mb),
        "memory_after_mb": round(process.memory_info().rss / 1e6),
        **counts,
    }


@asynccontextmanager
async def _crowd(url: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """The crowd. A thread waits for it, so that the well-behaved client keeps reading."""
    with ExitStack() as stack:
        arrival = program([sys.executable, "-m", "benchmarks.crowd", url], {}, ready=b"ready")
        yield await asyncio.to_thread(stack.enter_context, arrival)


async def _peak_mb(process: psutil.Process, seconds: float) -> float:
    peak, deadline = 0.0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        peak = max(peak, process.memory_info().rss / 1e6)
        await asyncio.sleep(0.5)
    return peak


def _counts(others: subprocess.Popen[bytes]) -> dict[str, int]:
    """End the crowd, and return what it counted."""
    others.terminate()
    output = others.stdout.readline() if others.stdout else b""
    if not output:
        raise NodeError("The crowd of clients ended early.", hint="Run `python -m benchmarks.crowd URL` to see why.")
    counts: dict[str, int] = json.loads(output)
    return dict(sorted(counts.items()))


def _figures(received: ReceivedEvents, quiet: int, busy: int) -> dict[str, Any]:
    if not quiet or busy <= quiet:
        raise NodeError("No event was received.", hint="Run the analyzer by itself to see why.")
    alone, crowded = np.array(received.late_ms[:quiet]), np.array(received.late_ms[quiet:busy])
    return {
        "events": busy - quiet,
        "missed": received.missed(),
        "alone_p50_ms": round(float(np.median(alone)), 1),
        "alone_p95_ms": round(float(np.percentile(alone, 95)), 1),
        "crowded_p50_ms": round(float(np.median(crowded)), 1),
        "crowded_p95_ms": round(float(np.percentile(crowded, 95)), 1),
        "crowded_max_ms": round(float(crowded.max()), 1),
        "bound_ms": BOUND_MS,
        "within_bound": bool(crowded.max() <= BOUND_MS),
    }


if __name__ == "__main__":
    print(run(print))
