"""The sign of life of a JACK server: its cycles run, and it has accepted a new client lately."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.jack.cycle_check import JackProbe

RENEWAL_S = 60.0
"""How often another client is opened: a server can run its cycles and yet serve no request any more."""
OPENING_S = 30.0
"""A server that has not accepted a client for this long gives no sign. Some may be waiting for their turn."""
REFUSED_RETRY_S = 1.0
"""When a server that has no room for a probe is asked again. The shortest patience with a program is 4 s."""


class CycleProbe(Protocol):
    """A client that reads the frame time of a server, see `JackProbe`."""

    @property
    def ended(self) -> bool:
        """Whether it has ended, for instance because the server refused it or is gone."""
        ...

    @property
    def was_refused(self) -> bool:
        """Whether it has ended because the server has no room for another client."""
        ...

    def latest_frames(self) -> int | None:
        """The last frame time that it has read; None before the first."""
        ...

    def leave(self) -> None:
        """Make it end, without waiting for it."""


class JackSign:
    """Whether a frame time of the JACK server `server` has changed since the last call.

    It is read by a probe, which is replaced by another one every RENEWAL_S, and when it has had no news for as long as
    opening a client may take, since it may hang rather than the server. While the server does not accept the other one
    within OPENING_S, there is no sign either, although the frame time changes. A client that is refused, because the
    server has the most that it can have, was answered: that is a sign as long as there is no probe that could read the
    frame time, and it is asked again after REFUSED_RETRY_S.
    """

    def __init__(
        self,
        server: str,
        *,
        open_probe: Callable[[str], CycleProbe] = JackProbe,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server, self._open_probe, self._clock = server, open_probe, clock
        self._pid: int | None = None
        self._probe: CycleProbe | None = None
        self._next: CycleProbe | None = None
        self._frames: int | None = None
        self._moved_s = self._opened_s = self._not_before_s = 0.0

    def __call__(self, pid: int) -> bool:
        now_s = self._clock()
        if pid != self._pid:
            self.close()
            self._pid, self._frames, self._moved_s, self._not_before_s = pid, None, now_s, 0.0
        was_answered = self._replace_probe()
        moved = self._has_news() or was_answered
        if moved:
            self._moved_s = now_s
        if self._next is None and self._needs_another(now_s):
            self._next, self._opened_s = self._open_probe(self._server), now_s
        return moved and not self._is_refused(now_s)

    def _replace_probe(self) -> bool:
        """Use the next probe if it has been accepted; forget it if it has been refused.

        Returns whether a refusal is the only sign that there can be.
        """
        if self._next is None:
            return False
        if self._next.latest_frames() is not None:
            if self._probe is not None:
                self._probe.leave()
            self._probe, self._next = self._next, None
        elif self._next.ended:
            was_refused, self._next = self._next.was_refused, None
            self._not_before_s = self._clock() + REFUSED_RETRY_S if was_refused else 0.0
            return was_refused and not self._has_probe
        return False

    @property
    def _has_probe(self) -> bool:
        return self._probe is not None and not self._probe.ended

    def _has_news(self) -> bool:
        """Read before the probe is judged: the calls may be further apart than its patience, and what it printed in
        between counts."""
        frames = None if self._probe is None else self._probe.latest_frames()
        if frames is None or frames == self._frames:
            return False
        self._frames = frames
        return True

    def _needs_another(self, now_s: float) -> bool:
        if not self._has_probe:
            return now_s >= self._not_before_s
        news_s = max(self._moved_s, self._opened_s)
        return now_s - news_s > CLIENT_GRACE_S or now_s - self._opened_s > RENEWAL_S

    def _is_refused(self, now_s: float) -> bool:
        return self._next is not None and now_s - self._opened_s > OPENING_S

    def close(self) -> None:
        """Make the probes end, without waiting for them."""
        for probe in (self._probe, self._next):
            if probe is not None:
                probe.leave()
        self._probe = self._next = None
