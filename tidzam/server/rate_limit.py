"""Rate limits of a client: one token bucket for messages, one for bytes. Pure: the time is an argument."""

from __future__ import annotations

from enum import Enum

BURST_S = 5.0
"""Size of a burst: what is allowed in this many seconds may be sent at once."""


SUSPECT_FILL = 0.05
"""Initial fraction of a burst for a client if another one of its address was disconnected because of a flood."""
SUSPECT_S = 60.0


class Verdict(Enum):
    """The treatment of a message."""

    SERVE = "serve"
    REFUSE = "refuse"
    """The first message beyond the limit is answered with `rate_limited`."""
    IGNORE = "ignore"
    DISCONNECT = "disconnect"


class TokenBucket:
    """A bucket of `BURST_S` seconds of `per_s`. Taking more makes the level negative."""

    def __init__(self, per_s: float, now: float, *, fill: float) -> None:
        self._per_s, self._most = per_s, per_s * BURST_S
        self._level, self._filled = self._most * fill, now

    def level(self, now: float) -> float:
        """The level as a fraction of a full bucket."""
        return self.take(0, now)

    def take(self, amount: float, now: float) -> float:
        """Take `amount`; returns the level as a fraction of a full bucket, negative if it is overdrawn."""
        self._level = min(self._most, self._level + (now - self._filled) * self._per_s) - amount
        self._filled = now
        return self._level / self._most


class RateLimiter:
    """Limits the messages of one client. A client that sends another full burst after a refusal is disconnected.

    `fill` is the initial fraction of a burst.
    """

    def __init__(self, *, messages_per_s: float, bytes_per_s: float, now: float, fill: float = 1.0) -> None:
        self._messages = TokenBucket(messages_per_s, now, fill=fill)
        self._bytes = TokenBucket(bytes_per_s, now, fill=fill)
        self._refused = False

    def judge(self, *, messages: float, size: int, now: float) -> Verdict:
        level = min(self._messages.take(messages, now), self._bytes.take(size, now))
        if level >= 0:
            self._refused = False
            return Verdict.SERVE
        if level < -1:
            return Verdict.DISCONNECT
        if self._refused:
            return Verdict.IGNORE
        self._refused = True
        return Verdict.REFUSE
