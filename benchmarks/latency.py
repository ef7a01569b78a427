"""The time from sound to the arrival of its event, by clicks at known frames of the JACK clock."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jack
import numpy as np
import socketio

from analyzer.window_schedule import WindowSchedule
from benchmarks.harness import LiveAnalyzer, analyzer, feeder, jack_server
from tidzam.config.settings import JackSettings
from tidzam.errors import NodeError
from tidzam.jack.writer import JackWriter
from tidzam.text import comma_list
from tidzam.types import Float32

TITLE = "from a click at a known frame to the Socket.IO event of its window, beside 1 to 128 channels: percentiles"

RATE_HZ = 48000
PERIOD = 2048
OVERLAP = 0.5
WINDOW_S = 1.0
CLICK_EVERY_S = 1.37
"""Not a multiple of the hop, so that clicks fall anywhere in their windows."""
GRACE_MS = 150.0
PERCENTILES = (50, 95, 99)
_LOUD_DBFS = -60.0
_CLICK_FRAMES = 48
_SETTLE_S = 3.0
"""The cost of starting is not measured."""


def run(
    say: Callable[[str], None], *, channels: str = "1,16,64,128", seconds: str = "60", gate: str = "0.05"
) -> dict[str, Any]:
    """For each number of `channels`, `seconds` in which one channel has clicks and the others sound, while the demo's
    cascade classifies all of them. The figures of windows are from their end to their event, those of clicks from the
    click to the event of the first window that contains it."""
    counts = [int(count) for count in comma_list(channels)]
    with jack_server(rate_hz=RATE_HZ, period=PERIOD) as server:
        figures = {f"channels_{count}": _measure(server, count, float(seconds), gate, say) for count in counts}
    return {"overlap": OVERLAP, **figures}


def _measure(
    server: JackSettings, channels: int, seconds: float, gate: str, say: Callable[[str], None]
) -> dict[str, Any]:
    clicker = Clicker(server)
    with ExitStack() as stack:
        stack.enter_context(JackWriter(clicker.client, 1, clicker.fill))
        if channels > 1:
            stack.enter_context(feeder(server, f"--channels={channels - 1}"))
        options = (f"--overlap={OVERLAP}", f"--gate={gate}")
        listener = stack.enter_context(analyzer(server, "clicker:,feeder:", *options))
        listener.wait(channels=channels)
        time.sleep(_SETTLE_S)
        say(f"{channels} channels, one with a click every {CLICK_EVERY_S} s, for {seconds:g} s")
        return figures_of(asyncio.run(_listen(listener, clicker, seconds)), clicker.clicks)


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


async def _listen(listener: LiveAnalyzer, clicker: Clicker, seconds: float) -> ReceivedWindows:
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
    await client.call("subscribe", {"events": ["analysis"], "channels": ["clicker:*"]})
    clicker.begin()
    await asyncio.sleep(seconds)
    await client.disconnect()
    return received


def figures_of(received: ReceivedWindows, clicks: Sequence[int]) -> dict[str, Any]:
    """The percentiles of the windows that arrived and of the clicks in them. Raises NodeError if there are none."""
    grid = WindowSchedule.of(RATE_HZ, window_s=WINDOW_S, overlap=OVERLAP)
    covering = {click: grid.start_from(click + _CLICK_FRAMES - grid.window) for click in clicks}
    known = {click: start for click, start in covering.items() if start in received.arrived}
    if not known:
        raise NodeError("No event covered a click.", hint="Run the analyzer by itself to see why.")
    late_ms = [_ms(arrived - start - grid.window) for start, arrived in received.arrived.items()]
    onset_ms = [_ms(received.arrived[start] - click) for click, start in known.items()]
    bound_ms = _ms(grid.hop + PERIOD) + GRACE_MS
    return {
        "windows": len(late_ms),
        **percentiles(late_ms),
        "max_ms": round(max(late_ms), 1),
        "bound_ms": round(bound_ms, 1),
        "within_bound": float(np.percentile(late_ms, 95)) <= bound_ms,
        "clicks": len(known),
        "clicks_heard": sum(start in received.loud for start in known.values()),
        **{f"onset_{name}": value for name, value in percentiles(onset_ms).items()},
    }


def percentiles(times_ms: Sequence[float]) -> dict[str, float]:
    """The PERCENTILES of some times in milliseconds, by name."""
    return {f"p{one}_ms": round(float(np.percentile(times_ms, one)), 1) for one in PERCENTILES}


def _ms(frames: int) -> float:
    return frames * 1000 / RATE_HZ


if __name__ == "__main__":
    print(run(print))
