"""What a program has open in the gap ledger, and what follows from it if the program has died. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tidzam.gaps.records import ALL, Gap, GapReason, Loaded, Record, decode_time, encode_time

BEAT_S: Final = 10.0
"""How often a program records that it is alive."""
DEAD_AFTER: Final = timedelta(seconds=3 * BEAT_S)
"""A program that has not recorded this for so long counts as dead since then."""
MAX_DEAD: Final = timedelta(days=31)
"""A node that was down for longer was given up: what follows does not count as a gap."""


@dataclass(frozen=True)
class OpenSource:
    """A loaded source. `returns` is whether it is loaded again after the program has died."""

    source: str
    channels: int
    since: datetime
    returns: bool


@dataclass(frozen=True)
class OpenGap:
    """A gap that has not ended. `count` is 0 if it continues one that was recorded up to `since`."""

    channel: str
    reason: GapReason
    since: datetime
    count: int = 1


@dataclass(frozen=True)
class OpenState:
    """What the program `writer` had open at `seen`. While it is dead, all channels have a gap of the reason `death`."""

    writer: str
    death: GapReason
    seen: datetime
    sources: tuple[OpenSource, ...] = ()
    gaps: tuple[OpenGap, ...] = ()

    def records(self, until: datetime) -> Iterator[Record]:
        """Everything open as intervals up to `until`, if the program is alive. Empty intervals are left out."""
        for one in self.sources:
            if one.since < until:
                yield Loaded(one.source, one.channels, one.since, until)
        for gap in self.gaps:
            if gap.since < until:
                yield Gap(gap.channel, gap.since, until, gap.reason, gap.count)

    def records_after_death(self, until: datetime) -> Iterator[Record]:
        """Everything open as intervals, and the gap up to `until`, if the program has died at `seen`."""
        until = min(until, self.seen + MAX_DEAD)
        for one in self.sources:
            end = max(until, self.seen) if one.returns else self.seen
            if one.since < end:
                yield Loaded(one.source, one.channels, one.since, end)
        for gap in self.gaps:
            if gap.since < self.seen:
                yield Gap(gap.channel, gap.since, self.seen, gap.reason, gap.count)
        if self.seen < until:
            yield Gap(ALL, self.seen, until, self.death)

    def records_now(self, now: datetime) -> Iterator[Record]:
        """Everything open as intervals, judged by how long ago the program was alive."""
        is_dead = now - self.seen > DEAD_AFTER
        return self.records_after_death(now) if is_dead else self.records(max(now, self.seen))

    def encode(self) -> str:
        """As JSON."""
        sources = [
            {
                "source": one.source,
                "channels": one.channels,
                "since": encode_time(one.since),
                "returns": one.returns,
            }
            for one in self.sources
        ]
        gaps = [
            {
                "channel": gap.channel,
                "reason": gap.reason.value,
                "since": encode_time(gap.since),
                "count": gap.count,
            }
            for gap in self.gaps
        ]
        fields = {"writer": self.writer, "death": self.death.value, "seen": encode_time(self.seen)}
        return json.dumps({**fields, "sources": sources, "gaps": gaps}, indent=1)

    @classmethod
    def decode(cls, text: str) -> OpenState:
        """The inverse of `encode`. Raises ValueError for anything else."""
        try:
            fields = json.loads(text)
            return cls(
                str(fields["writer"]),
                GapReason(fields["death"]),
                decode_time(fields["seen"]),
                tuple(_source(one) for one in fields["sources"]),
                tuple(_gap(one) for one in fields["gaps"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not the state of a program: {error}") from None


def _source(fields: dict[str, Any]) -> OpenSource:
    since = decode_time(fields["since"])
    return OpenSource(str(fields["source"]), int(fields["channels"]), since, bool(fields["returns"]))


def _gap(fields: dict[str, Any]) -> OpenGap:
    since = decode_time(fields["since"])
    return OpenGap(str(fields["channel"]), GapReason(fields["reason"]), since, int(fields["count"]))
