"""The audio between one writer and JACK: a ring of samples, silence where there are none, and counters of both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tidzam.jack.ring import wrapped_difference
from tidzam.types import Float32

_WRAP = 1 << 32
_MOST_PAUSE_S = 0.25
"""How long a writer waits for room in a large ring: a server may drop a client that does not read for longer."""
_FULL_BELOW = 0.9
"""A full ring counts as full until it is emptier than this, so that one overrun counts once."""


class Feed:
    """A ring of `capacity_frames` samples of each channel: `put` by one thread, and played by `fill` in that of JACK.

    Playing begins when `prebuffer_frames` are there, and again after an underrun; once the audio has ended, whatever is
    left is played. Neither side takes a lock: each counter has one writer, and samples are written before they are
    counted.
    """

    def __init__(self, channels: int, *, capacity_frames: int, prebuffer_frames: int) -> None:
        self.capacity_frames, self._prebuffer = capacity_frames, min(prebuffer_frames, capacity_frames)
        self._ring = np.zeros((channels, capacity_frames), np.float32)
        self._written = 0
        self._ended = False
        self._flows = False
        self.first_frame: int | None = None
        self.clock_frames = 0
        """JACK frames since the first cycle, including those that were skipped."""
        self.position: tuple[int | None, int] = (None, 0)
        """The frame time at which the next sample is due, and the number of samples played before it."""
        self._next_frame: int | None = None
        self.underruns = self.underrun_frames = self.skipped_frames = 0
        self.is_drained = False
        """Whether the audio has ended and its last sample has been handed to JACK."""

    @property
    def available(self) -> int:
        """Frames that wait to be played."""
        return self._written - self.position[1]

    @property
    def room(self) -> int:
        """Frames that can be put now."""
        return self.capacity_frames - self.available

    @property
    def flows(self) -> bool:
        """Whether audio is being played."""
        return self._flows

    def begin(self) -> None:
        """Play what is there in the next cycle, however little it is. Called by the thread that calls `fill`."""
        self._flows = self.available > 0

    @property
    def starves(self) -> bool:
        """Whether silence is played in place of audio that should be there."""
        return self.first_frame is not None and not self._flows and not self._ended

    def level_frames(self, frame: int) -> int:
        """Frames that wait to be played at the frame time `frame`, which may be within a cycle."""
        due_frame, played = self.position
        return self._written - played - wrapped_difference(frame, due_frame or 0)

    def put(self, block: Float32) -> None:
        """Append `block`, shape (channels, frames), of at most `room` frames."""
        begin = self._written % self.capacity_frames
        first = min(block.shape[1], self.capacity_frames - begin)
        self._ring[:, begin : begin + first] = block[:, :first]
        self._ring[:, : block.shape[1] - first] = block[:, first:]
        self._written += block.shape[1]

    def end(self) -> None:
        """No more audio will follow."""
        self._ended = True

    def fill(self, frame: int, block: Float32) -> None:
        """Fill `block`, shape (channels, frames), for the JACK cycle that begins at `frame`.

        Called in JACK's thread: it only copies and counts.
        """
        wanted = block.shape[1]
        self._advance_clock(frame, wanted)
        ended = self._ended  # before `available`: whatever was put before the end then counts
        available = self.available
        if not self._flows:
            self._flows = available > 0 and (ended or available >= self._prebuffer)
        count = min(wanted, available) if self._flows else 0
        if count:
            self._take(frame, block[:, :count])
        if count == wanted:
            return
        block[:, count:] = 0.0
        if ended and count == available:
            self._flows = False
            self.is_drained = True
        elif self.first_frame is not None:
            self.underruns += self._flows
            self.underrun_frames += wanted - count
            self._flows = False

    def _advance_clock(self, frame: int, wanted: int) -> None:
        # Negative if a late callback has read the time of the next cycle, which is then read twice.
        skipped = 0 if self._next_frame is None else wrapped_difference(frame, self._next_frame)
        self.skipped_frames += max(0, skipped)
        self.clock_frames += skipped
        self._next_frame = (frame + wanted) % _WRAP
        self.clock_frames += wanted

    def _take(self, frame: int, block: Float32) -> None:
        count, played = block.shape[1], self.position[1]
        begin = played % self.capacity_frames
        first = min(count, self.capacity_frames - begin)
        block[:, :first] = self._ring[:, begin : begin + first]
        block[:, first:] = self._ring[:, : count - first]
        if self.first_frame is None:
            self.first_frame = frame
        self.position = ((frame + count) % _WRAP, played + count)


class FeedWriter:
    """Puts blocks of any length into a feed, and waits while it is full. `wait` sleeps for some seconds."""

    def __init__(self, feed: Feed, rate_hz: int, wait: Callable[[float], None]) -> None:
        self._feed, self._wait = feed, wait
        self._pause_s = min(feed.capacity_frames / rate_hz / 8, _MOST_PAUSE_S)
        self.overruns = 0
        """How often the feed became full."""
        self.is_full = False
        """Whether the feed has been full since it was last noticeably emptier."""

    def write(self, block: Float32) -> None:
        """Put `block`, shape (channels, frames), whole."""
        while block.shape[1]:
            room = self._feed.room
            if room >= (1 - _FULL_BELOW) * self._feed.capacity_frames:
                self.is_full = False
            if room < block.shape[1]:
                self.overruns += not self.is_full
                self.is_full = True
            if room:
                self._feed.put(block[:, :room])
                block = block[:, room:]
            if block.shape[1]:
                self._wait(self._pause_s)
