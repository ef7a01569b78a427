"""Which client streams to which port. Pure: the time is an argument."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from stream_manager.jack.openings import TURN_S
from stream_manager.live.budget import AudioBudget
from stream_manager.live.recorder import LiveRecorder
from tidzam.errors import RequestError
from tidzam.jack.live_protocol import LiveFrame, SlotStatus
from tidzam.naming import LIVE_SOURCE, port_name
from tidzam.protocol.live_streams import DEFAULT_RATE_HZ

PENDING_S: Final = TURN_S + 1.0
"""More than a process needs to start, after it has waited for its turn."""
CLOSE_S: Final = 3.0
"""How long the ports' process may take to close a port before it is replaced."""


@dataclass(frozen=True)
class SlotTotals:
    """What a stream has lost since it began, in seconds, whatever processes have played it."""

    gaps: int = 0
    gap_s: float = 0.0
    dropped_s: float = 0.0

    def plus(self, status: SlotStatus | None) -> SlotTotals:
        """The totals with those of a process whose last report is `status`."""
        if status is None:
            return self
        return SlotTotals(self.gaps + status.gaps, self.gap_s + status.gap_s, self.dropped_s + status.dropped_s)


class PendingAudio:
    """The latest audio of a stream, while the process that is to play it starts."""

    def __init__(self) -> None:
        self._frames: deque[LiveFrame] = deque()
        self._duration_s = 0.0

    def add(self, frame: LiveFrame) -> float:
        """Append `frame`; returns how many seconds of older audio were dropped for it."""
        self._frames.append(frame)
        self._duration_s += frame.duration_s
        dropped_s = 0.0
        while self._duration_s > PENDING_S and len(self._frames) > 1:
            oldest_s = self._frames.popleft().duration_s
            dropped_s += oldest_s
            self._duration_s -= oldest_s
        return dropped_s

    def take(self) -> tuple[LiveFrame, ...]:
        """All of it, which is then no longer pending."""
        frames = tuple(self._frames)
        self._frames.clear()
        self._duration_s = 0.0
        return frames


@dataclass
class LiveStream:
    """The stream of `client` into the port of `slot`; None once it is being closed. Times are monotonic seconds."""

    slot: int
    client: str | None
    started: datetime
    last_audio_s: float
    budget: AudioBudget
    rate_hz: int = DEFAULT_RATE_HZ
    received_s: float = 0.0
    totals: SlotTotals = field(default_factory=SlotTotals)
    status: SlotStatus | None = None
    pending: PendingAudio = field(default_factory=PendingAudio)
    recorder: LiveRecorder | None = None
    closing_since_s: float | None = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Its port no longer exists."""

    @property
    def port(self) -> str:
        return port_name(LIVE_SOURCE, self.slot)

    def drop(self, duration_s: float) -> None:
        """Count audio that was dropped before it reached the ports' process."""
        self.totals = replace(self.totals, dropped_s=self.totals.dropped_s + duration_s)

    def interrupt(self) -> None:
        """The process that played it has ended: what it lost remains counted, and there is a gap."""
        totals = self.totals.plus(self.status)
        self.totals, self.status = replace(totals, gaps=totals.gaps + 1), None


class LiveStreamRegistry:
    """The streams by slot. At most `ports` of them; each client has one."""

    def __init__(self, ports: int) -> None:
        self._ports = ports
        self._streams: dict[int, LiveStream] = {}

    def __iter__(self) -> Iterator[LiveStream]:
        return iter([self._streams[slot] for slot in sorted(self._streams)])

    def __len__(self) -> int:
        return len(self._streams)

    def of_client(self, client: str) -> LiveStream | None:
        return next((stream for stream in self if stream.client == client), None)

    def at(self, slot: int) -> LiveStream | None:
        return self._streams.get(slot)

    def open(self, client: str, *, started: datetime, now_s: float, buffer_s: float) -> LiveStream:
        """A stream in the lowest free slot. Raises RequestError if there is none."""
        free = next((slot for slot in range(self._ports) if slot not in self._streams), None)
        if free is None:
            raise self._full()
        budget = AudioBudget(buffer_s=buffer_s, now_s=now_s)
        stream = self._streams[free] = LiveStream(free, client, started, now_s, budget)
        return stream

    def _full(self) -> RequestError:
        if not self._ports:
            hint = "Set stream_manager.live_ports in the profile, or --port-available."
            return RequestError("This node takes no live streams.", hint=hint, code="live_streams_off")
        message = f"All {self._ports} ports for live streams are in use."
        hint = "Try again later, or raise stream_manager.live_ports in the profile (--port-available)."
        return RequestError(message, hint=hint, code="live_ports_in_use")

    def close(self, stream: LiveStream, now_s: float) -> None:
        """`stream` no longer belongs to a client; its slot remains taken until `release`."""
        stream.client, stream.closing_since_s = None, now_s

    def release(self, slot: int) -> None:
        """The port of `slot` is gone, so that another stream may use it."""
        stream = self._streams.pop(slot, None)
        if stream is not None:
            stream.gone.set()

    def idle(self, now_s: float, timeout_s: float) -> tuple[LiveStream, ...]:
        """Streams whose clients have sent no audio for `timeout_s`."""
        return tuple(one for one in self if one.client is not None and now_s - one.last_audio_s > timeout_s)

    def is_stuck(self, now_s: float) -> bool:
        """Whether a port has not been closed in time."""
        since = (one.closing_since_s for one in self)
        return any(since_s is not None and now_s - since_s > CLOSE_S for since_s in since)
