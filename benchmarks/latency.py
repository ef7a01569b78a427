"""The time from the end of a window to the arrival of its `sys` event, by clicks at known frames of the JACK clock."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jack
import numpy as np
import socketio

from analyzer.window_schedule import WindowSchedule
from benchmarks.harness import LiveAnalyzer, analyzer, jack_server
from tidzam.config.settings import JackSettings
from tidzam.errors import NodeError
from tidzam.jack.writer import JackWriter
from tidzam.types import Float32

TITLE = "from a click at a known frame to the Socket.IO event of its window: median and 95th percentile"

RATE_HZ = 48000
PERIOD = 2048
OVERLAP = 0.5
WINDOW_S = 1.0
DURATION_S = 60
CLICK_EVERY_S = 1.37
"""Not a multiple of the hop, so that clicks fall anywhere in their windows."""
GRACE_MS = 150.0
_LOUD_DBFS = -60.0
_CLICK_FRAMES = 48


def run(say: Callable[[str], None]) -> dict[str, Any]:
    with jack_server(rate_hz=RATE_HZ, period=PERIOD) as server:
        clicker = Clicker(server)
        with (
            JackWriter(clicker.client, 1, clicker.fill),
            analyzer(server, "clicker:", f"--overlap={OVERLAP}") as listener,
        ):
            listener.wait(channels=1)
            say(f"a click every {CLICK_EVERY_S} s for {DURATION_S} s")
            received = asyncio.run(_listen(listener, clicker))
    return _figures(received, clicker)


class Clicker:
    """A JACK client that plays clicks, and whose frame clock is the reference.

    `clicks` are the frames of the clicks so far. The clock is in its first 32-bit turn, as the server is new.
    """

    def __init__(self, server: JackSettings) -> None:
        self.clicks: list[int] = []
        self.client = jack.Client("clicker", no_start_server=True, servername=server.server)
        self._on = threading.Event()
        self._due: int | None = None

    def begin(self) -> None:
        self._on.set()

    def fill(self, start: int, block: Float32) -> None:
        """Silence, and a click where one is due."""
        block[:] = 0
        frames = block.shape[1]
        if self._due is None:
            self._due = start + RATE_HZ if self._on.is_set() else None
            return
        at = self._due - start
        if at < frames - _CLICK_FRAMES:
            at = max(at, 0)
            block[0, at : at + _CLICK_FRAMES] = 0.9
            self.clicks.append(start + at)
            self._due += round(CLICK_EVERY_S * RATE_HZ)

    def frame_of(self, moment: datetime) -> int:
        """The frame of the JACK clock at a time (UTC)."""
        ago_s = time.time() - moment.timestamp()
        return int(self.client.frame_time) - round(ago_s * RATE_HZ)


@dataclass
class ReceivedWindows:
    """Windows by their first frame: when (JACK clock) their `sys` event arrived, and which were loud.

    An event may come up to a period before the clock reaches its window's end: JACK delivers a cycle's frames together.
    """

    arrived: dict[int, int] = field(default_factory=dict)
    loud: set[int] = field(default_factory=set)


async def _listen(listener: LiveAnalyzer, clicker: Clicker) -> ReceivedWindows:
    """Receive the analyzer's events while the clicks play."""
    grid = WindowSchedule.of(RATE_HZ, window_s=WINDOW_S, overlap=OVERLAP)
    received = ReceivedWindows()
    client = socketio.AsyncClient()

    def start_of(moment: datetime) -> int:
        return round(clicker.frame_of(moment) / grid.hop) * grid.hop

    def on_sys(data: Any) -> None:
        now = int(clicker.client.frame_time)
        if isinstance(data, list):  # not the list of classifiers
            moment = datetime.strptime(data[0]["analysis"]["time"], "%Y-%m-%d-%H-%M-%S.%f").replace(tzinfo=UTC)
            received.arrived[start_of(moment)] = now

    def on_analysis(data: Any) -> None:
        if data["level_dbfs"] > _LOUD_DBFS:
            received.loud.add(start_of(datetime.fromisoformat(data["start"])))

    client.on("sys", on_sys)
    client.on("analysis", on_analysis)
    await client.connect(listener.url, transports=["websocket"])
    await client.call("subscribe", {"events": ["analysis"]})
    clicker.begin()
    await asyncio.sleep(DURATION_S)
    await client.disconnect()
    return received


def _figures(received: ReceivedWindows, clicker: Clicker) -> dict[str, Any]:
    grid = WindowSchedule.of(RATE_HZ, window_s=WINDOW_S, overlap=OVERLAP)
    covering = {click: grid.start_from(click + _CLICK_FRAMES - grid.window) for click in clicker.clicks}
    known = {click: start for click, start in covering.items() if start in received.arrived}
    if not known:
        raise NodeError("No event covered a click.", hint="Run the analyzer by itself to see why.")
    ends_ms = {start: (start + grid.window) * 1000 / RATE_HZ for start in known.values()}
    late_ms = [received.arrived[start] * 1000 / RATE_HZ - ends_ms[start] for start in known.values()]
    onset_ms = [(received.arrived[start] - click) * 1000 / RATE_HZ for click, start in known.items()]
    bound_ms = (grid.hop + PERIOD) * 1000 / RATE_HZ + GRACE_MS
    p95_ms = float(np.percentile(late_ms, 95))
    return {
        "clicks": len(known),
        "clicks_heard": sum(start in received.loud for start in known.values()),
        "overlap": OVERLAP,
        "p50_ms": round(float(np.median(late_ms)), 1),
        "p95_ms": round(p95_ms, 1),
        "max_ms": round(max(late_ms), 1),
        "bound_ms": round(bound_ms, 1),
        "within_bound": p95_ms <= bound_ms,
        "onset_p50_ms": round(float(np.median(onset_ms)), 1),
        "onset_p95_ms": round(float(np.percentile(onset_ms, 95)), 1),
    }


if __name__ == "__main__":
    print(run(print))
