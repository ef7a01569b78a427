"""How many channels a machine captures and analyzes live without losing a frame, and whether losses are counted."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

from analyzer.capture.child import Capture, CaptureOptions, capture_process
from analyzer.capture.events import Event, Opened
from benchmarks.feeder import frame_code
from benchmarks.harness import LiveAnalyzer, analyzer, feeder, jack_server
from benchmarks.limits import largest_that_holds
from benchmarks.process_memory import memory_of
from tidzam.config.settings import JackSettings
from tidzam.errors import NodeError
from tidzam.jack.ring import RingReader

TITLE = "channels at 48 kHz with the cascade at work: frames lost, lag, the largest number; forced losses counted"

RATE_HZ = 48000
PERIOD = 2048
PORT_MAX = 4096
HOP_S = 1.0
"""That of the demo's cascade without overlap: the lag that is allowed."""
STEP = 32
"""How exactly the largest number of channels is found."""
STOPS_S = (0.1, 0.7, 2.0)
"""For how long capture is stopped, one after the other, to force losses. The ring holds more than each."""
_TRIAL_S = 20.0
_SETTLE_S = 3.0
"""The cost of starting is not measured."""


def run(
    say: Callable[[str], None],
    *,
    channels: str = "128",
    seconds: str = "300",
    ungated_seconds: str = "60",
    sources: str = "1",
    threads: str = "1",
    find_limit: str = "0",
) -> dict[str, Any]:
    """An analyzer on so many `channels` for `seconds`, and, with every expert on every window, for `ungated_seconds`.
    The channels are those of `sources` JACK clients, each of which is captured by a client of its own. Each classifier
    runs on so many `threads`. `find_limit` is the largest number of channels to try in search of the one that holds: no
    frame lost, no window dropped, and the lag under one hop, in 20 s; 0 leaves the search out. The length of each part
    may be 0, which leaves it out."""
    count = int(channels)
    with jack_server(rate_hz=RATE_HZ, period=PERIOD, port_max=PORT_MAX) as server:
        load = CaptureLoad(server, clients=int(sources), threads=int(threads))
        figures: dict[str, Any] = {
            "sources": load.clients,
            "threads": load.threads,
            "rate_hz": RATE_HZ,
            "period": PERIOD,
        }
        with load.playing(count):
            if float(seconds):
                figures |= load.measure(count, float(seconds), say)
            if float(ungated_seconds):
                figures["gate_0"] = load.measure(count, float(ungated_seconds), say, "--gate=0")
        if int(find_limit):
            figures |= _limits(load, int(find_limit), say)
        say("forcing losses: the capture process is stopped and continued, while each sample encodes its own frame")
        with feeder(server, "--channels=2", "--code"):
            figures["forced"] = asyncio.run(_force_losses(server))
    return figures


@dataclass(frozen=True)
class CaptureLoad:
    """What the analyzer listens to, in a number of JACK clients, and the threads that each classifier runs on."""

    server: JackSettings
    clients: int
    threads: int

    def playing(self, channels: int) -> AbstractContextManager[object]:
        return feeder(self.server, f"--channels={channels}", f"--clients={self.clients}")

    def measure(self, channels: int, duration_s: float, say: Callable[[str], None], *options: str) -> dict[str, Any]:
        """Losses and resource use of an analyzer on all channels over `duration_s` seconds, while they are played."""
        most, ports = max(256, channels), "feeder*:out_*"
        with analyzer(self.server, ports, *options, max_channels=most, threads=self.threads) as listener:
            listener.wait(channels=channels)
            time.sleep(_SETTLE_S)
            say(f"{channels} channels, {duration_s:g} s {' '.join(options)}")
            return {"channels": channels, **_watch(listener, duration_s)}


def holds(figures: Mapping[str, Any]) -> bool:
    """Whether nothing was lost, and every window was analyzed within one hop of its end."""
    complete = figures["windows"] >= 0.9 * figures["channels"] * figures["duration_s"] / HOP_S
    lost = figures["lost_frames"] + figures["dropped_windows"]
    return complete and not lost and figures["lag_max_s"] < HOP_S


def _limits(load: CaptureLoad, most: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The largest number of channels that holds, and what was measured with each number."""
    trials: dict[int, dict[str, Any]] = {}

    def try_with(channels: int) -> bool:
        with load.playing(channels):
            try:
                trials[channels] = load.measure(channels, _TRIAL_S, say)
            except NodeError as error:
                trials[channels] = {"channels": channels, "failed": error.message}
                return False
        return holds(trials[channels])

    largest = largest_that_holds(try_with, low=STEP, high=most // STEP * STEP, step=STEP)
    return {"largest_channels": largest, "trials": [trials[channels] for channels in sorted(trials)]}


def _watch(listener: LiveAnalyzer, duration_s: float) -> dict[str, Any]:
    before = listener.health()
    if before is None or before.capture_pid is None:
        raise NodeError("The analyzer ended.", hint="Run it by itself to see why.")
    processes = {"analyzer": psutil.Process(listener.pid), "capture": psutil.Process(before.capture_pid)}
    spent = {name: _cpu_s(process) for name, process in processes.items()}
    lags = []
    began = time.monotonic()
    while time.monotonic() - began < duration_s:
        time.sleep(1)
        if (health := listener.health()) and health.lag_s is not None:
            lags.append(health.lag_s)
    took_s = time.monotonic() - began
    after = listener.health() or before
    return {
        "duration_s": round(took_s, 1),
        "lost_frames": after.lost_frames - before.lost_frames,
        "dropped_windows": after.dropped_windows - before.dropped_windows,
        "windows": after.windows - before.windows,
        "lag_p50_s": round(float(np.median(lags)), 3) if lags else math.inf,
        "lag_max_s": round(max(lags, default=math.inf), 3),
        **{f"cpu_{name}": round((_cpu_s(p) - spent[name]) / took_s, 3) for name, p in processes.items()},
        "memory_mb": round(sum(memory_of(process.pid).total for process in processes.values()) / 1e6),
    }


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@dataclass(frozen=True)
class Loss:
    """Frames of a channel: reported as lost; wrong but not reported; right though reported (of a torn block)."""

    reported: int
    wrong_unreported: int
    right_reported: int


async def _force_losses(server: JackSettings) -> dict[str, Any]:
    options = CaptureOptions(patterns=("feeder:",), server=server.server)
    async with capture_process(options) as capture:
        events = capture.events()
        channel = await _first_opened(events)
        draining = asyncio.create_task(_drain(events))
        await asyncio.sleep(1)
        for stop_s in STOPS_S:
            os.kill(capture.pid, signal.SIGSTOP)
            await asyncio.sleep(stop_s)
            os.kill(capture.pid, signal.SIGCONT)
            await asyncio.sleep(0.5)
        loss = _loss(capture, channel)
        draining.cancel()
    return {
        "stopped_s": sum(STOPS_S),
        "reported_frames": loss.reported,
        "wrong_unreported_frames": loss.wrong_unreported,
        "right_reported_frames": loss.right_reported,
        "counted_to_the_frame": loss.reported > 0 and loss.wrong_unreported == 0 and loss.right_reported < PERIOD,
    }


async def _first_opened(events: Any) -> Opened:
    async for event in events:
        if isinstance(event, Opened):
            return event
    raise NodeError("The capture process ended.", hint="Is the machine very busy?")


async def _drain(events: Any) -> list[Event]:
    return [event async for event in events]


def _loss(capture: Capture, channel: Opened) -> Loss:
    """Compare each sample since the channel's first with the frame number that it should encode."""
    reader = RingReader(capture.ring())
    ring = reader.ring
    gaps = reader.new_gaps(channel.lane)
    start = channel.first_frame
    frames = np.arange(start, ring.written_until(channel.lane))
    right = ring.samples[channel.slot, frames % ring.capacity_frames] == frame_code(frames)
    reported = np.zeros(len(frames), bool)
    for gap in gaps:
        reported[gap.overlap(start, len(frames))] = True
    return Loss(int(reported.sum()), int((~right & ~reported).sum()), int((right & reported).sum()))


if __name__ == "__main__":
    print(run(print))
