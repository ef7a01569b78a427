"""The state of each client: its identity, its rate limit and its queue."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from tidzam.config.settings import LimitSettings
from tidzam.server.access import Identity
from tidzam.server.authentication import Credentials
from tidzam.server.rate_limit import SUSPECT_FILL, RateLimiter

MOST_WAITING = 256
"""Maximum number of messages queued for one client."""
MOST_RUNNING = 256
"""Maximum number of concurrent requests of one client."""
_ALL_QUEUES_BYTES = 64_000_000
_LEAST_QUEUE_BYTES = 65536


class SendQueue(asyncio.Queue[Any]):
    """Engine.IO's queue of packets for one client, with the number of bytes in it."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self.waiting_bytes = 0
        self.taken = 0

    def _put(self, item: Any) -> None:
        super()._put(item)
        self.waiting_bytes += _size(item)

    def _get(self) -> Any:
        item = super()._get()
        self.waiting_bytes -= _size(item)
        self.taken += 1
        return item


def _size(packet: Any) -> int:
    data = getattr(packet, "data", None)
    return len(data) if isinstance(data, (str, bytes)) else 64


def queue_bound(limits: LimitSettings, clients: int) -> int:
    """Maximum number of bytes queued per client; less if there are many clients, so that the total is bounded."""
    return min(limits.queue_bytes, max(_LEAST_QUEUE_BYTES, _ALL_QUEUES_BYTES // max(1, clients)))


@dataclass(eq=False)
class ClientSession:
    """One Engine.IO session, from its handshake to its end, over one or more connections."""

    address: str
    credentials: Credentials
    queue: SendQueue
    limiter: RateLimiter
    opened: float = field(default_factory=time.monotonic)
    identity: Identity | None = None
    """Its identity once it has joined; the credentials are discarded then."""
    joined: bool = False
    """Whether it has connected to the namespace of Socket.IO, as clients do immediately."""
    closed: bool = False
    polling: bool = False
    """Whether a request of the polling transport waits for messages."""
    running: int = 0
    over_rate: bool = False
    """Whether its next request is answered with `rate_limited`."""
    transport: asyncio.Transport | None = None
    """The transport of its WebSocket."""
    full_since: float | None = None
    taken_then: int = 0

    @classmethod
    def create(
        cls, address: str, *, credentials: Credentials, queue: SendQueue, limits: LimitSettings, suspect: bool = False
    ) -> ClientSession:
        now, fill = time.monotonic(), SUSPECT_FILL if suspect else 1.0
        limiter = RateLimiter(messages_per_s=limits.messages_per_s, bytes_per_s=limits.bytes_per_s, now=now, fill=fill)
        return cls(address, credentials, queue, limiter, opened=now)

    def is_full(self, bound: int) -> bool:
        return self.queue.qsize() >= MOST_WAITING or self.queue.waiting_bytes >= bound

    def is_stalled(self, bound: int, stalled_s: float, now: float) -> bool:
        """Whether its queue has been full for `stalled_s` and nothing was taken from it. Call it regularly."""
        if not self.is_full(bound):
            self.full_since = None
            return False
        if self.full_since is None or self.queue.taken != self.taken_then:
            self.full_since, self.taken_then = now, self.queue.taken
        return now - self.full_since >= stalled_s
