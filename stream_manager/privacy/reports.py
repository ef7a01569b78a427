"""What the analyzer reports about speech, by port and time, for the recordings of the last hours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from tidzam.protocol.messages import parse
from tidzam.protocol.privacy import SpeechEvent

TOLERANCE_S: Final = 0.05
"""What may lie between two reports that follow on one another, and between the clocks of the two programs."""

Seconds = tuple[float, float]
"""Start and end, in seconds since 1970."""


@dataclass(frozen=True)
class ReportedSpeech:
    """Of one channel: when it was judged, and when somebody spoke. Both in order."""

    judged: tuple[Seconds, ...] = ()
    speech: tuple[Seconds, ...] = ()

    def covers(self, start_s: float, end_s: float) -> bool:
        """Whether all of a time was judged."""
        return any(first <= start_s + TOLERANCE_S and end_s - TOLERANCE_S <= last for first, last in self.judged)

    def within(self, start_s: float, end_s: float) -> Self:
        """What concerns a time."""
        return type(self)(
            tuple(one for one in self.judged if one[0] < end_s and one[1] > start_s),
            tuple(one for one in self.speech if one[0] < end_s and one[1] > start_s),
        )


class SpeechReports:
    """Collects the events `speech` of the analyzer, and forgets what is older than `keep_s`."""

    def __init__(self, *, keep_s: float) -> None:
        self._keep_s = keep_s
        self._ports: dict[str, ReportedSpeech] = {}

    def take(self, data: Any) -> None:
        """An event as it came. Raises RequestError if it is none."""
        for one in parse(SpeechEvent, data).channels:
            known, start_s, end_s = (
                self._ports.get(one.channel, ReportedSpeech()),
                one.start.timestamp(),
                one.end.timestamp(),
            )
            speech = [(first.timestamp(), last.timestamp()) for first, last in one.speech]
            oldest_s = end_s - self._keep_s
            self._ports[one.channel] = ReportedSpeech(
                joined((*known.judged, (start_s, end_s)), since_s=oldest_s),
                joined((*known.speech, *speech), since_s=oldest_s),
            )

    def forget_after(self, now_s: float) -> bool:
        """Forget what was judged later than now (seconds since 1970). Returns whether there was any.

        Then the system clock was set back, and those times come again. Speech in them is kept: what follows is rather
        muted twice than never.
        """
        latest_s = now_s + TOLERANCE_S
        ahead = {port: known for port, known in self._ports.items() if any(last > latest_s for _, last in known.judged)}
        for port, known in ahead.items():
            judged = tuple((first, min(last, now_s)) for first, last in known.judged if first < now_s)
            self._ports[port] = replace(known, judged=judged)
        return bool(ahead)

    def cover(self, ports: Iterable[str], start_s: float, end_s: float) -> bool:
        """Whether all of the ports were judged in all of a time."""
        return all(self._ports.get(port, ReportedSpeech()).covers(start_s, end_s) for port in ports)

    def of_source(self, source: str, start_s: float, end_s: float) -> Mapping[str, ReportedSpeech]:
        """What is known about the ports of a source in a time."""
        mine = {port: known for port, known in self._ports.items() if port.startswith(f"{source}:")}
        return {port: known.within(start_s, end_s) for port, known in mine.items()}


def joined(times: Sequence[Seconds], *, since_s: float) -> tuple[Seconds, ...]:
    """The times in order, those that nearly touch as one; without those that ended before `since_s`."""
    found: list[Seconds] = []
    for first, last in sorted(times):
        if last < since_s:
            continue
        if found and first <= found[-1][1] + TOLERANCE_S:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)
