"""Clients that stream audio to a stream manager in real time, as late as a test wants."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import socketio

from tests.support.clients import connected_to
from tests.support.manager import Manager
from tests.support.sound import tone

PACKET_S = 0.02

Lateness = Callable[[int], float]
"""From the number of a packet to the seconds by which it arrives late."""


def ramp(frames: int) -> bytes:
    """PCM in which each sample tells its number, modulo 65535; it begins with -32767."""
    return (np.arange(frames) % 65535 - 32767).astype("<i2").tobytes()


def tone_pcm(frequency_hz: float, *, rate_hz: int, seconds: float) -> bytes:
    """A tone as 16-bit PCM."""
    sound = tone(frequency_hz, rate_hz=rate_hz, duration_s=seconds)
    return np.asarray(np.round(sound * 32767), "<i2").tobytes()


def on_time(number: int) -> float:
    return 0.0


def bursts(seed: int, *, most_s: float = 0.3, packet_s: float = PACKET_S) -> Lateness:
    """Packets are held back for up to `most_s`, and then arrive together. To be called for each packet once."""
    chance = random.Random(seed)
    held: list[float] = []

    def lateness(number: int) -> float:
        if not held:
            length = chance.randint(1, round(most_s / packet_s))
            held.extend(index * packet_s for index in reversed(range(length)))
        return held.pop(0)

    return lateness


def packets(
    pcm: bytes, *, rate_hz: float, lateness: Lateness = on_time, packet_s: float = PACKET_S
) -> Sequence[tuple[float, bytes]]:
    """The packets of a client, in order, with the times at which they arrive."""
    size, arrived_s = 2 * round(packet_s * rate_hz), 0.0
    arrivals = []
    for number, start in enumerate(range(0, len(pcm), size)):
        packet = pcm[start : start + size]
        arrived_s = max(arrived_s, (start + len(packet)) / 2 / rate_hz + lateness(number))
        arrivals.append((arrived_s, packet))
    return arrivals


class LiveClient:
    """A connected client."""

    def __init__(self, io: socketio.AsyncClient) -> None:
        self.io = io

    async def ask(self, **command: Any) -> dict[str, Any]:
        """The acknowledgement of a `sys` request."""
        return await self.io.call("sys", {"sys": command}, timeout=20)  # type: ignore[no-any-return]

    async def begin(self) -> str:
        """Begin its stream; returns the port."""
        answer = await self.ask(add_livestream="")
        assert answer["ok"], answer
        return str(answer["sys"]["portname"])

    async def stream(
        self, pcm: bytes, *, rate_hz: int, lateness: Lateness = on_time, packet_s: float = PACKET_S, **keys: Any
    ) -> None:
        """Send `pcm` at the speed at which it plays."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for arrives_s, packet in packets(pcm, rate_hz=rate_hz, lateness=lateness, packet_s=packet_s):
            await asyncio.sleep(began_s + arrives_s - loop.time())
            await self.io.emit("audio", {"buffer": packet, "samplerate": rate_hz, **keys})


@asynccontextmanager
async def live_client(manager: Manager) -> AsyncIterator[LiveClient]:
    """A client, which leaves when the context is left."""
    async with connected_to(manager.url, transports=["websocket"]) as io:
        yield LiveClient(io)
