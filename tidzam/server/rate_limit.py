"""How much a client may send: a token bucket for messages, and one for bytes. Pure: the time is an argument."""

from __future__ import annotations

from enum import Enum

BURST_S = 5.0
"""A client that was idle may send this many seconds' worth at once."""


SUSPECT_FILL = 0.05
"""The part of a burst that a client begins with if another of its address was disconnected for a flood."""
SUSPECT_S = 60.0


class Verdict(Enum):
    """What becomes of a message."""

    SERVE = "serve"
    REFUSE = "refuse"
    """The first beyond the limit: it is answered with `rate_limited`."""
    IGNORE = "ignore"
    DISCONNECT = "disconnect"


class TokenBucket:
    """Holds up to `BURST_S` seconds of `per_s`. Taking more makes the level negative."""

    def __init__(self, per_s: float, now: float, *, fill: float) -> None:
        self._per_s, self._most = per_s, per_s * BURST_S
        self._level, self._filled = self._most * fill, now

    def level(self, now: float) -> float:
        """The level as a fraction of a full bucket."""
        return self.take(0, now)

    def take(self, amount: float, now: float) -> float:
        """Take `amount`; returns the level as a fraction of a full bucket, below 0 if more was taken than there was."""
        self._level = min(self._most, self._level + (now - self._filled) * self._per_s) - amount
        self._filled = now
        return self._level / self._most


class RateLimiter:
    """Judges each message of one client. A client that sends another whole burst after a refusal is disconnected.

    `fill` is the part of a burst that the client has at first.
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
