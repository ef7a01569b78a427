"""The times of sources that replay recordings, by frames of the JACK clock, as the stream manager reports them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tidzam.jack.ring import wrapped_difference
from tidzam.naming import source_of
from tidzam.protocol.analyzer import JackSource
from tidzam.results import WindowBatch

log = logging.getLogger(__name__)

_MOST_ANCHORS: Final = 8
"""How many of the last reports about a source are kept: windows are older than the newest report."""
_MOST_SOURCES: Final = 4096
_STEADY: Final = timedelta(seconds=0.1)
"""Recorded time that deviates from JACK's by more than this has jumped."""


@dataclass(frozen=True)
class _Anchor:
    """A frame of the JACK clock (32 bits), and the recording's time at that frame."""

    frame: int
    time: datetime


class SourceClocks:
    """The recorded times of sources by name. Sources that replay nothing have none: they follow the node's clock."""

    def __init__(self) -> None:
        self._anchors: dict[str, tuple[_Anchor, ...]] = {}
        self._last: dict[str, tuple[int, datetime]] = {}
        """The frame at which the last window of each channel began, and the recorded time at it."""
        self._jumps: dict[str, int] = {}
        """The frame of the first window of a channel after its time had jumped, or a replay had begun or ended."""

    def update(self, sources: Iterable[JackSource]) -> None:
        """Take reports about some sources. One that does not replay recordings follows the node's clock again."""
        anchors = dict(self._anchors)  # a copy, as the thread that analyzes reads them
        for source in sources:
            before = anchors.pop(source.name, None)
            if not source.is_recorded:
                continue
            known = before or ()
            if source.frame is None or source.starting_time is None:
                known = ()
            else:
                anchor = _Anchor(source.frame, source.starting_time)
                known = (*(one for one in known if one.frame != anchor.frame), anchor)[-_MOST_ANCHORS:]
            anchors[source.name] = known
            if known and known != before:
                log.info("source %s: %s is played at frame %d", source.name, known[-1].time, known[-1].frame)
        while len(anchors) > _MOST_SOURCES:
            del anchors[next(iter(anchors))]
        self._anchors = anchors

    def is_known(self, channel: str) -> bool:
        """False if the source of a port replays recordings whose time is not known yet."""
        return self._anchors.get(source_of(channel)) != ()

    def time_of(self, channel: str, frame: int, rate_hz: int) -> datetime | None:
        """The recorded time at a frame (32 or 64 bits) of the JACK clock; None if the node's clock applies.

        That of the last report at or before the frame counts; before the first one, time is counted backwards from it.
        """
        anchors = self._anchors.get(source_of(channel))
        if not anchors:
            return None
        since = [(wrapped_difference(frame, anchor.frame), anchor) for anchor in anchors]
        past = [(frames, anchor) for frames, anchor in since if frames >= 0]
        frames, anchor = min(past, key=_frames) if past else max(since, key=_frames)
        return anchor.time + timedelta(seconds=frames / rate_hz)

    def applied(self, batch: WindowBatch) -> tuple[WindowBatch, frozenset[str]]:
        """`batch` with the recorded times of its channels, and the channels whose time has jumped since the last one.

        What is in the context of a window from before a jump, or from before a replay began or ended, counts as not
        heard. Batches come in the order of their frames.
        """
        starts, jumped = list(batch.starts), set[str]()
        before, self._last = self._last, {}
        for row, channel in enumerate(batch.channels):
            time = self.time_of(channel, batch.start_frame, batch.rate_hz)
            if time is None:
                continue
            starts[row] = time
            self._last[channel] = batch.start_frame, time
            if channel in before and self._has_jumped(before[channel], batch, time):
                jumped.add(channel)
        self._jumps = {name: frame for name, frame in self._jumps.items() if name in batch.channels}
        self._jumps |= dict.fromkeys(jumped | (before.keys() ^ self._last.keys()), batch.start_frame)
        return replace(batch, starts=tuple(starts), heard_frames=self._heard(batch)), frozenset(jumped)

    def _heard(self, batch: WindowBatch) -> tuple[int, ...]:
        """The frames of each channel that were recorded without a jump, up to the end of its window."""
        end = batch.start_frame + batch.samples.shape[1]
        known = zip(batch.channels, batch.heard_frames, strict=False)  # none in a batch without context
        return tuple(min(heard, end - self._jumps[name]) if name in self._jumps else heard for name, heard in known)

    @staticmethod
    def _has_jumped(before: tuple[int, datetime], batch: WindowBatch, time: datetime) -> bool:
        frame, then = before
        passed = timedelta(seconds=(batch.start_frame - frame) / batch.rate_hz)
        return abs(time - then - passed) > _STEADY


def _frames(since: tuple[int, _Anchor]) -> int:
    return since[0]
