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


class CycleProbe(Protocol):
    """A client that reads the frame time of a server, see `JackProbe`."""

    @property
    def ended(self) -> bool:
        """Whether it has ended, for instance because the server refused it or is gone."""
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
    server has the most that it can have, was answered.
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
        self._moved_s = self._opened_s = 0.0

    def __call__(self, pid: int) -> bool:
        now_s = self._clock()
        if pid != self._pid:
            self.close()
            self._pid, self._frames, self._moved_s = pid, None, now_s
        self._replace_probe()
        moved = self._has_news()
        if moved:
            self._moved_s = now_s
        if self._next is None and self._needs_another(now_s):
            self._next, self._opened_s = self._open_probe(self._server), now_s
        return moved and not self._is_refused(now_s)

    def _replace_probe(self) -> None:
        """Use the next probe if it has been accepted; forget it if it has been refused."""
        if self._next is None:
            return
        if self._next.latest_frames() is not None:
            if self._probe is not None:
                self._probe.leave()
            self._probe, self._next = self._next, None
        elif self._next.ended:
            self._next = None

    def _has_news(self) -> bool:
        """Read before the probe is judged: the calls may be further apart than its patience, and what it printed in
        between counts."""
        frames = None if self._probe is None else self._probe.latest_frames()
        if frames is None or frames == self._frames:
            return False
        self._frames = frames
        return True

    def _needs_another(self, now_s: float) -> bool:
        if self._probe is None or self._probe.ended:
            return True
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
