"""Where speech was detected in the audio of channels, and which frames of them must not be kept. Pure.

Frames are those of the batches of windows that the analyzer analyzes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tidzam.naming import source_of

Interval = tuple[int, int]
"""The first frame, and the frame after the last one."""


@dataclass(frozen=True)
class Judgment:
    """What a speech detector has found out: the frames of `channel` from `start` to `end` hold `speech` and no other.

    `speech` lies within them, in order and without overlaps. With `has_ended`, no audio follows on the last frame.
    """

    channel: str
    start: int
    end: int
    speech: tuple[Interval, ...] = ()
    has_ended: bool = False


@dataclass(frozen=True)
class PrivacyPolicy:
    """What happens to clips with speech. `scope` says which channels speech concerns besides its own."""

    action: Literal["drop", "mute"] = "drop"
    margin_s: float = 1.0
    scope: Literal["source", "channel"] = "source"


@dataclass(frozen=True)
class SpeechStatement:
    """All that is known about speech in the last minutes, up to and including a batch of windows.

    `channels` holds the judgments of each channel in order; those that follow on one another are one. `fresh` are the
    judgments made with this batch, but for windows of which audio was lost.
    """

    policy: PrivacyPolicy
    rate_hz: int
    channels: Mapping[str, tuple[Judgment, ...]] = field(default_factory=dict)
    fresh: tuple[Judgment, ...] = ()

    @property
    def margin(self) -> int:
        """The margin in frames."""
        return round(self.policy.margin_s * self.rate_hz)

    def private(self, channel: str, start: int, end: int) -> tuple[Interval, ...] | None:
        """What of the frames from `start` to `end` of a channel is speech or within the margin of it.

        None: it is not known yet. Frames that were never judged, and will not be, count as speech.
        """
        for name in self._concerned(channel):
            for part in self.channels.get(name, ()):
                if not part.has_ended and part.start < end and part.end < end + self.margin:
                    return None
        unjudged = holes(self.channels.get(channel, ()), start, end)
        return merged((*unjudged, *self.private_so_far(channel, start, end)))

    def private_so_far(self, channel: str, start: int, end: int) -> tuple[Interval, ...]:
        """What of the frames is known to be speech or within the margin of it by now."""
        found = (
            (first - self.margin, last + self.margin)
            for name in self._concerned(channel)
            for part in self.channels.get(name, ())
            for first, last in part.speech
        )
        return clipped(found, start, end)

    def _concerned(self, channel: str) -> Iterable[str]:
        """The channels whose speech concerns this one."""
        if self.policy.scope == "channel":
            return (channel,)
        return [name for name in self.channels if name == channel or source_of(name) == source_of(channel)]


def holes(parts: Iterable[Judgment], start: int, end: int) -> list[Interval]:
    """The frames from `start` to `end` that are in none of `parts`, which are in order."""
    found, reached = list[Interval](), start
    for part in parts:
        if part.start >= end:
            break
        if part.start > reached:
            found.append((reached, part.start))
        reached = max(reached, part.end)
    return [*found, (reached, end)] if reached < end else found


def clipped(intervals: Iterable[Interval], start: int, end: int) -> tuple[Interval, ...]:
    """The intervals within `start` to `end`, merged and in order."""
    inside = ((max(first, start), min(last, end)) for first, last in intervals)
    return merged(interval for interval in inside if interval[0] < interval[1])


def merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same frames as intervals that neither overlap nor touch, in order.

    >>> merged([(5, 9), (0, 2), (2, 3), (8, 12)])
    ((0, 3), (5, 12))
    """
    found: list[Interval] = []
    for first, last in sorted(intervals):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)
