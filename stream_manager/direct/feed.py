"""Moves the audio of a source into a ring, in a thread of its own, whatever becomes of the source."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from stream_manager.direct.inputs import DirectInput, InputError
from stream_manager.direct.pace import Pace
from tidzam.audio.timeline import ClockPair
from tidzam.jack.ring import CLOCK, Ring, RingWriter
from tidzam.process import RestartPolicy

RING_S: Final = 10.0
"""For how long a disk may block before audio is lost."""
POLICY: Final = RestartPolicy(first_delay_s=0.5, max_delay_s=30.0, stable_after_s=20.0)
LATE_S: Final = 2.0
"""Due audio that has not arrived for this long is lost."""
NO_DATA_S: Final = 15.0
"""An input from which nothing arrives for this long is opened again."""
TICK_S: Final = 0.1
_MOST_S: Final = 1.0
"""What is moved at once: the ring must not be overtaken while the recorder catches up as well."""
_FILE_BEHIND_S: Final = 5.0
"""A file is not caught up with if this machine has slept for longer than this."""


@dataclass(frozen=True)
class FeedState:
    """What a feed has come to. `problem` is why the source is away, None if it is not.

    `outages` counts how often it has gone away, and `outage_s` for how long altogether, the present time included.
    """

    is_delivering: bool = False
    has_ended: bool = False
    problem: str | None = None
    outages: int = 0
    outage_s: float = 0.0


class DirectFeed:
    """The thread that opens a source, moves its audio into `ring`, and opens it again when it is lost.

    `ring` is None until the source was opened for the first time; another one takes its place if the source has
    another format after it was lost. `state` may be read at any time.
    """

    def __init__(self, name: str, opener: Callable[[], DirectInput], *, is_permanent: bool) -> None:
        self._opener, self._is_permanent = opener, is_permanent
        self.ring: Ring | None = None
        self.state = FeedState()
        self.alive_s = time.monotonic()
        """When the thread has last shown that it does not hang."""
        self._writer: RingWriter | None = None
        self._pace: Pace | None = None
        self._stop = threading.Event()
        self._away_since_s: float | None = None
        self._past_outages_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"{name} feed", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End it, and wait for that."""
        self._stop.set()
        self._thread.join(timeout_s)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def clock(self) -> ClockPair | None:
        """The frame of the ring that is captured now, and the time; None before the first one."""
        pace = self._pace
        if pace is None:
            return None
        return ClockPair(pace.due(time.monotonic()), time.time() - pace.target_s)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            began_s = time.monotonic()
            try:
                source = self._opener()
                try:
                    self._follow(source)
                finally:
                    source.close()
            except InputError as error:
                if self._stop.is_set():
                    return
                self._go_away(str(error))
                if error.is_final or not self._is_permanent:
                    break
            failures = POLICY.failures_after(failures, time.monotonic() - began_s)
            self._wait(POLICY.delay_s(failures))
        if not self._stop.is_set():
            self._go_away(self.state.problem, has_ended=True)

    def _follow(self, source: DirectInput) -> None:
        """Move the audio of an open source until `stop`. Raises InputError when it ends or fails."""
        if self.ring is None or (self.ring.slots, self.ring.rate_hz) != (source.channels, source.rate_hz):
            self._begin_ring(source)
        heard_s = time.monotonic()
        while not self._stop.is_set():
            now_s = self.alive_s = time.monotonic()
            if source.waiting():
                heard_s = now_s
                if not self.state.is_delivering:
                    self._come_back(source, now_s)
            elif now_s - heard_s > NO_DATA_S:
                raise InputError("no data arrives any more")
            self._move(source, now_s)
            self._stop.wait(TICK_S)

    def _begin_ring(self, source: DirectInput) -> None:
        descriptor = os.memfd_create("tidzam-direct")
        capacity = int(RING_S * source.rate_hz)
        ring = Ring.create(descriptor, slots=source.channels, capacity_frames=capacity, rate_hz=source.rate_hz)
        os.close(descriptor)
        self._writer, self._pace, self.ring = RingWriter(ring, CLOCK), None, ring

    def _move(self, source: DirectInput, now_s: float) -> None:
        """Move what is due, and count as lost what should have arrived long ago."""
        writer, pace = self._writer, self._pace
        if writer is None or pace is None:
            return
        due = pace.due(now_s) - writer.next_frame
        if not source.is_live and due > _FILE_BEHIND_S * source.rate_hz:
            self._lose(due)
            return
        short = due
        while short > 0 and len(block := self._take(source, short)):
            start = writer.begin(writer.next_frame, len(block))
            for slot in range(source.channels):
                writer.copy(slot, start, block[:, slot])
            writer.commit(start, len(block), torn=False)
            short -= len(block)
            if due - short >= _MOST_S * source.rate_hz:
                return  # the rest in the next round
        if source.is_live:
            self._pace = pace.after(source.waiting() - max(short, 0), now_s)
        self._note_late(short, source.rate_hz)

    def _take(self, source: DirectInput, frames: int) -> np.ndarray:
        available = min(source.waiting(), frames, int(_MOST_S * source.rate_hz))
        return source.take(available)

    def _note_late(self, short: int, rate_hz: int) -> None:
        late = short - int(LATE_S * rate_hz)
        if late > 0:
            self._lose(late)
            self._go_away("no audio arrives")

    def _come_back(self, source: DirectInput, now_s: float) -> None:
        """Audio arrives, for the first time or again: it is due `target_s` from now on."""
        writer = self._writer
        assert writer is not None
        if self._pace is None:
            self._pace = Pace.begin(
                rate_hz=source.rate_hz, target_s=source.target_s, frame=writer.next_frame, now_s=now_s
            )
        else:
            ahead = self._pace.due(now_s) - writer.next_frame
            self._lose(ahead + round(source.target_s * source.rate_hz))
        if self._away_since_s is not None:
            self._past_outages_s += now_s - self._away_since_s
            self._away_since_s = None
        self.state = FeedState(True, False, None, self.state.outages, self._past_outages_s)

    def _go_away(self, problem: str | None, *, has_ended: bool = False) -> None:
        """The source is away, until `_come_back`."""
        now_s, state = time.monotonic(), self.state
        outages = state.outages + state.is_delivering
        if state.is_delivering:
            self._away_since_s = now_s
        away_s = 0.0 if self._away_since_s is None else now_s - self._away_since_s
        self.state = FeedState(False, has_ended, problem, outages, self._past_outages_s + away_s)

    def _wait(self, delay_s: float) -> None:
        """Wait until the source is tried again. The ring goes on meanwhile, so that the file in progress is cut."""
        until_s = time.monotonic() + delay_s
        while (now_s := time.monotonic()) < until_s and not self._stop.is_set():
            self.alive_s = now_s
            if self._writer is not None and self._pace is not None and self.ring is not None:
                late = self._pace.due(now_s) - self._writer.next_frame - int(LATE_S * self.ring.rate_hz)
                self._lose(late)
                self._go_away(self.state.problem)
            self._stop.wait(TICK_S)

    def _lose(self, frames: int) -> None:
        """Frames are missing: they are silence, and are counted by the reader of the ring."""
        writer, ring = self._writer, self.ring
        assert writer is not None
        assert ring is not None
        most = ring.capacity_frames // 16
        while frames > 0:
            block = min(frames, most)
            writer.commit(writer.begin(writer.next_frame, block), block, torn=True)
            frames -= block
