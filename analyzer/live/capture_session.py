"""One run of the capture process as seen by the analyzer: its ring, its channels, its timeline."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from analyzer.capture.events import Clock, Closed, Event, Opened, Refused
from analyzer.window_schedule import Due, WindowSchedule
from tidzam.audio.timeline import ClockPair, Timeline
from tidzam.errors import BundleError
from tidzam.jack.ring import Ring, RingGap, RingReader, wrapped_difference
from tidzam.naming import source_of
from tidzam.results import WindowBatch

log = logging.getLogger(__name__)

_T = TypeVar("_T")
_SAME_CLOCK_S: Final = 0.5
_PATIENCE_CYCLES: Final = 3
_MOST_LAG_S: Final = 4.0
"""How far analysis may lag before it drops windows."""
_MARGIN_S: Final = 2.0
"""What the ring holds beyond that: the time to read a window that was due in time."""
_MOST_MARGIN: Final = 0.5
"""The same as a share of the ring, for rings that are shorter than `ring_length_s`."""


@dataclass(frozen=True)
class Channel:
    """A port in its slot of the ring, valid from `first_frame` on, as far as its source's `lane` is written."""

    name: str
    slot: int
    lane: int
    first_frame: int


class CaptureSession:
    """Follows a ring: `handle` the events of the capture process, take the `due` window and `read` it."""

    def __init__(self, ring: Ring, *, window_s: float, overlap: float, longest_s: float = 0.0) -> None:
        self.ring = ring
        self.schedule = WindowSchedule.of(ring.rate_hz, window_s=window_s, overlap=overlap, longest_s=longest_s)
        self.channels: Mapping[str, Channel] = {}
        self.refused: Mapping[str, str] = {}
        self.timeline: Timeline | None = None
        self._reader = RingReader(ring)
        self._next: int | None = None
        self._captured_since = time.monotonic()

    def captured_s(self) -> float:
        """Seconds since there is a channel."""
        return time.monotonic() - self._captured_since

    def heard_s(self) -> dict[str, float]:
        """For how many seconds each channel has been captured."""
        written = self.ring.written_until()
        return {
            channel.name: max(0, written - channel.first_frame) / self.ring.rate_hz
            for channel in self.channels.values()
        }

    def handle(self, event: Event) -> None:
        match event:
            case Opened():
                self._captured_since = self._captured_since if self.channels else time.monotonic()
                self.channels = {
                    **self.channels,
                    event.channel: Channel(event.channel, event.slot, event.lane, event.first_frame),
                }
                self.refused = _without(self.refused, event.channel)
                log.info("capturing %s", event.channel)
            case Closed():
                self.channels = _without(self.channels, event.channel)
                self.refused = _without(self.refused, event.channel)
                log.info("%s is gone", event.channel)
            case Refused():
                self.refused = {**self.refused, event.channel: event.reason}
                log.error("%s is not captured. %s", event.channel, event.reason)
            case Clock():
                pair = ClockPair(event.frame, event.utc_s)
                known = self.timeline
                self.timeline = known.with_pair(pair) if known else Timeline.begin(self.ring.rate_hz, pair)

    def due(self) -> Due | None:
        """The next complete window, or None. Each window is returned once."""
        if self.timeline is None:
            return None
        if self._next is None:
            self._next = self._first_start()
        due = self.schedule.due(self._next, self._written_until(), max_lag=self._max_lag())
        if due is not None:
            self._next = due.start + self.schedule.hop
        return due

    def _first_start(self) -> int:
        """The first window: of what was captured before analysis began, as much as it may lag."""
        oldest = self._written_until() - self._max_lag() - self.schedule.window
        return self.schedule.start_from(max(self.ring.first_frame(), oldest))

    def _max_lag(self) -> int:
        """By how many frames a window may be late: the rest of the ring keeps it from being overwritten."""
        ring = self.ring
        return max(0, round(_longest_s(ring.capacity_frames / ring.rate_hz) * ring.rate_hz) - self.schedule.longest)

    def reschedule(self, *, window_s: float, overlap: float, longest_s: float = 0.0) -> None:
        """Windows have another length from the next one on, which begins where it would have begun anyway."""
        self.schedule = WindowSchedule.of(self.ring.rate_hz, window_s=window_s, overlap=overlap, longest_s=longest_s)

    def _written_until(self) -> int:
        """How far all lanes are written. Lanes that hang are waited for three cycles; then their frames are lost."""
        ring = self.ring
        clock = ring.written_until()
        slowest = min((ring.written_until(channel.lane) for channel in self.channels.values()), default=clock)
        return max(min(clock, slowest), clock - _PATIENCE_CYCLES * ring.period)

    def channels_at(self, start: int) -> tuple[Channel, ...]:
        """The channels that are valid throughout the window at `start`."""
        return tuple(channel for channel in self.channels.values() if self._is_valid(channel, start))

    def _is_valid(self, channel: Channel, start: int) -> bool:
        return channel.first_frame <= start and 0 < self.ring.first_frame(channel.lane) <= start

    def read(self, channels: tuple[Channel, ...], start: int) -> WindowBatch:
        """The window at `start` of some channels, with its context if the schedule asks for one.

        Raises Lapped if some of it has been overwritten.
        """
        assert self.timeline is not None
        schedule = self.schedule
        places = [(channel.slot, channel.lane) for channel in channels]
        sound, lost = self._reader.read(places, start, schedule.window, before=schedule.before)
        has_context = schedule.before > 0
        return WindowBatch(
            channels=tuple(channel.name for channel in channels),
            samples=sound[:, schedule.before :],
            rate_hz=self.ring.rate_hz,
            start_frame=start,
            starts=(self.timeline.time_of(start),) * len(channels),
            gap_frames=lost,
            hop_frames=schedule.hop,
            context=sound if has_context else None,
            heard_frames=tuple(self._heard(channel, start) for channel in channels) if has_context else (),
        )

    def _heard(self, channel: Channel, start: int) -> int:
        """Frames of a channel, up to the end of the window at `start`, that are its own sound."""
        since = max(channel.first_frame, self.ring.first_frame(channel.lane))
        return min(self.schedule.longest, start + self.schedule.window - since)

    def new_gaps(self) -> list[tuple[str, RingGap]]:
        """Gaps since the last call with their sources; those before the first channel of a source are left out."""
        since: dict[int, tuple[int, str]] = {}
        for channel in self.channels.values():
            first = (channel.first_frame, source_of(channel.name))
            since[channel.lane] = min(first, since.get(channel.lane, first))
        return [
            (source, gap)
            for lane, (first_frame, source) in since.items()
            for gap in self._reader.new_gaps(lane)
            if gap.start >= first_frame
        ]

    def gap_after(self, previous: CaptureSession) -> RingGap | None:
        """The frames lost between two runs of the capture process.

        None if the JACK server was restarted in between (frame clocks are unrelated) or no clock reading exists yet.
        """
        if previous.timeline is None or self.timeline is None or self.ring.rate_hz != previous.ring.rate_hz:
            return None
        mine, theirs = self.timeline, previous.timeline
        last = mine.pairs[-1].frame
        off = wrapped_difference(last, theirs.frame_at(mine.time_of(last)))
        if abs(off) > _SAME_CLOCK_S * self.ring.rate_hz:
            return None
        start = previous.ring.written_until()
        return RingGap(start, wrapped_difference(self.ring.first_frame(), start))


def check_window(window_s: float, *, ring_s: float) -> None:
    """Raises BundleError (`bundle_window`) if a ring of `ring_s` is too short for windows of that length."""
    if window_s > _longest_s(ring_s):
        raise BundleError(
            f"The windows of the new classifiers last {window_s:g} s; the memory for captured audio is large "
            f"enough for {_longest_s(ring_s):g} s.",
            hint="Restart the analyzer with these classifiers.",
            code="bundle_window",
        )


def _longest_s(ring_s: float) -> float:
    """The length of the longest windows for which a ring is large enough."""
    return ring_s - min(_MARGIN_S, _MOST_MARGIN * ring_s)


def ring_length_s(window_s: float) -> float:
    """The length of the ring in seconds: one window, the longest, the time to lag, and the time to read a window."""
    return window_s + _MOST_LAG_S + _MARGIN_S


def _without(items: Mapping[str, _T], name: str) -> dict[str, _T]:
    return {key: value for key, value in items.items() if key != name}
