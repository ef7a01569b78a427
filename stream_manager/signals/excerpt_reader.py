"""Reads excerpts of JACK ports from the server's shared memory, without taking part in its graph."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Final

import jack
import numpy as np

from stream_manager.signals.analysis import FRAMES
from tidzam.types import Float32

ATTEMPTS: Final = 3
POLLS_PER_CYCLE: Final = 8
LEAST_POLL_S: Final = 0.001


class ExcerptReader:
    """Copies the buffers of output ports once per cycle: no port, no connection, no callback.

    In the middle of a cycle, the owner of a port has usually written its buffer, and not yet begun to write the next
    one. A cycle that was missed spoils the excerpt, which is then begun again; an owner that is late is not noticed.
    """

    def __init__(self, client: jack.Client) -> None:
        self._client = client

    def read(self, ports: Iterable[str]) -> Mapping[str, Float32]:
        """At least FRAMES contiguous frames, and two cycles, of each of `ports` that exists; empty if it failed.

        Takes that long in real time, more if the machine is busy.
        """
        buffers = {name: port for name in ports if (port := self._port(name)) is not None}
        period = self._client.blocksize
        cycles = max(2, math.ceil(FRAMES / period))
        read = np.zeros((len(buffers), cycles * period), np.float32)
        for _ in range(ATTEMPTS if buffers else 0):
            if self._fill(read, list(buffers.values()), period, cycles):
                return dict(zip(buffers, read, strict=True))
        return {}

    def _port(self, name: str) -> jack.OwnPort | None:
        try:
            # libjack finds the buffer of any output port; JACK-Client offers it only for a client's own ports.
            return jack.OwnPort(self._client.get_port_by_name(name)._ptr, self._client)
        except jack.JackError:  # the port is gone
            return None

    def _fill(self, read: Float32, buffers: list[jack.OwnPort], period: int, cycles: int) -> bool:
        """Whether `cycles` consecutive cycles were read."""
        frame = self._next_cycle(self._client.last_frame_time)
        for cycle in range(cycles):
            if frame is None or self._client.blocksize != period:
                return False
            time.sleep(period / self._client.samplerate / 2)
            for row, port in zip(read, buffers, strict=True):
                row[cycle * period : (cycle + 1) * period] = np.frombuffer(port.get_buffer(), np.float32)
            if self._client.last_frame_time != frame:  # too late: these buffers may be those of the next cycle
                return False
            if cycle + 1 < cycles:
                expected = (frame + period) % (1 << 32)
                frame = self._next_cycle(frame)
                if frame != expected:
                    return False
        return True

    def _next_cycle(self, frame: int) -> int | None:
        """The first frame of the cycle after that of `frame`; None if JACK is stalled."""
        cycle_s = self._client.blocksize / self._client.samplerate
        deadline_s = time.monotonic() + 4 * cycle_s
        while (now := self._client.last_frame_time) == frame:
            if time.monotonic() > deadline_s:
                return None
            time.sleep(max(LEAST_POLL_S, cycle_s / POLLS_PER_CYCLE))
        return int(now)
