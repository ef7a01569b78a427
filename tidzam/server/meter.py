"""How much a client may send: a token bucket for messages, and one for bytes. Pure: the time is given."""

from __future__ import annotations

from enum import Enum

BURST_S = 5.0
"""A client that was quiet may send so many seconds' worth at once."""


SUSPECT_FILL = 0.05
"""The part of a burst that a client begins with if one of its address has just been disconnected for a flood."""
SUSPECT_S = 60.0


class Verdict(Enum):
    """What becomes of a message."""

    SERVE = "serve"
    REFUSE = "refuse"
    """The first beyond the limit: it is answered with `rate_limited`."""
    IGNORE = "ignore"
    DISCONNECT = "disconnect"


class Bucket:
    """Holds up to `BURST_S` seconds of `per_s`. What is taken beyond that is owed."""

    def __init__(self, per_s: float, now: float, *, fill: float) -> None:
        self._per_s, self._most = per_s, per_s * BURST_S
        self._level, self._filled = self._most * fill, now

    def level(self, now: float) -> float:
        """The level in parts of a full bucket, with nothing taken."""
        return self.take(0, now)

    def take(self, amount: float, now: float) -> float:
        """The level after `amount` was taken, in parts of a full bucket: below 0 it is owed, at least -1 counts."""
        self._level = min(self._most, self._level + (now - self._filled) * self._per_s) - amount
        self._filled = now
        return self._level / self._most


class Meter:
    """Judges each message of one client. Who goes on after it was refused, by a whole burst more, is disconnected.

    `fill` is the part of a burst that the client has at first.
    """

    def __init__(self, *, messages_per_s: float, bytes_per_s: float, now: float, fill: float = 1.0) -> None:
        self._messages = Bucket(messages_per_s, now, fill=fill)
        self._bytes = Bucket(bytes_per_s, now, fill=fill)
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
