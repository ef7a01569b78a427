"""How many channels a machine captures and analyzes live without losing a frame, and whether losses are counted."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

from analyzer.capture.child import Capture, CaptureOptions, capture_process
from analyzer.capture.events import Event, Opened
from benchmarks.feeder import frame_code
from benchmarks.harness import LiveAnalyzer, analyzer, feeder, jack_server
from tidzam.config.settings import JackSettings
from tidzam.errors import NodeError
from tidzam.jack.ring import RingReader

TITLE = "64 channels at 48 kHz with the cascade at work: frames lost in a minute; forced losses counted to the frame"

CHANNELS = 64
RATE_HZ = 48000
PERIOD = 2048
MINUTE_S = 60
UNGATED_S = 20
STOPS_S = (0.1, 0.7, 2.0)
"""For how long capture is stopped, one after the other, to force losses. The ring holds more than each."""


def run(say: Callable[[str], None]) -> dict[str, Any]:
    with jack_server(rate_hz=RATE_HZ, period=PERIOD) as server:
        with feeder(server, f"--channels={CHANNELS}"):
            gated = _measure(server, MINUTE_S, say)
            ungated = _measure(server, UNGATED_S, say, "--gate=0")
        say("forcing losses: the capture process is stopped and continued, while each sample encodes its own frame")
        with feeder(server, "--channels=2", "--code"):
            forced = asyncio.run(_force_losses(server))
    return {
        "channels": CHANNELS,
        "rate_hz": RATE_HZ,
        "period": PERIOD,
        **gated,
        "gate_0": ungated,
        "forced": forced,
    }


def _measure(server: JackSettings, duration_s: int, say: Callable[[str], None], *options: str) -> dict[str, Any]:
    """Losses and resource use of an analyzer on all channels over `duration_s` seconds."""
    with analyzer(server, "feeder:", *options) as listener:
        listener.wait(channels=CHANNELS)
        time.sleep(2)  # the cost of starting is not measured
        say(f"{CHANNELS} channels, {duration_s} s {' '.join(options)}")
        return _watch(listener, duration_s)


def _watch(listener: LiveAnalyzer, duration_s: int) -> dict[str, Any]:
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
        "lag_p50_s": round(float(np.median(lags)), 3),
        "lag_max_s": round(max(lags), 3),
        **{f"cpu_{name}": round((_cpu_s(p) - spent[name]) / took_s, 3) for name, p in processes.items()},
        "rss_mb": round(sum(process.memory_info().rss for process in processes.values()) / 1e6),
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
