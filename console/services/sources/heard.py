"""What was heard of each channel per day, and the gaps of a day, from the store and from what programs have open."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import Field

from console.services.gaps import GapView
from console.services.models import ConsoleModel
from tidzam.gaps.heard import Heard, day_span, heard
from tidzam.gaps.records import ALL, Gap, GapReason, Record
from tidzam.gaps.words import joined
from tidzam.naming import source_of
from tidzam.store.database import Store
from tidzam.store.queries.gaps import NodeLedger, ledger_records

MOST_DAYS: Final = 92
MOST_GAPS: Final = 500


class HeardDay(ConsoleModel):
    """A channel on a day. What is missing adds up to what was loaded but not heard."""

    day: date = Field(description="Day by the node's clock")
    loaded_s: float = Field(description="Seconds in which its source was loaded, so that sound of it was expected")
    heard_s: float = Field(description="Seconds of valid audio")
    missing_s: Mapping[GapReason, float] = Field(description="The seconds without, by their reason")

    @property
    def share(self) -> float | None:
        """The share of the time that was heard, 0 to 1; None if nothing was expected."""
        return self.heard_s / self.loaded_s if self.loaded_s else None


class HeardChannel(ConsoleModel):
    """A channel on all days on which it was loaded."""

    channel: str = Field(description="JACK port, or the source while its channels are not known")
    source: str = Field(description="Its source")
    days: tuple[HeardDay, ...] = Field(description="The days on which it was loaded")

    def on(self, day: date) -> HeardDay | None:
        """What was heard on a day; None if it was not loaded."""
        return next((one for one in self.days if one.day == day), None)


class HeardReport(ConsoleModel):
    """What was heard, per channel and day."""

    time_zone: str = Field(description="Whose days these are")
    days: tuple[date, ...] = Field(description="The days of the report, the oldest first")
    channels: tuple[HeardChannel, ...] = Field(description="The channels by name")


class GapDay(ConsoleModel):
    """The gaps that overlap a day, the newest first."""

    day: date = Field(description="Day by the node's clock")
    gaps: tuple[GapView, ...] = Field(description="The gaps, at most 500")
    left_out: int = Field(description="How many older ones of the day are left out")


class HeardLedger:
    """Reads what was heard on the node of `ledger`. It may block."""

    def __init__(self, store: Store, ledger: NodeLedger, *, zone: ZoneInfo) -> None:
        self._store, self._ledger, self._zone = store, ledger, zone

    def report(self, *, now: datetime, days: int, source: str | None = None) -> HeardReport:
        """The last `days` days, of all sources or of one. Raises StoreError."""
        last = now.astimezone(self._zone).date()
        wanted = tuple(last - timedelta(days=ago) for ago in reversed(range(days)))
        records = self._records(day_span(wanted[0], self._zone)[0], now, now=now)
        records = sorted(records, key=lambda one: one.start)
        found: dict[str, list[Heard]] = {}
        begun: list[Record] = []
        place = 0
        for day in wanted:
            begin, end = day_span(day, self._zone)
            until = bisect_left(records, end, lo=place, key=lambda one: one.start)
            begun = [one for one in [*begun, *records[place:until]] if one.end > begin]
            place = until
            for channel in heard(day, begun, zone=self._zone):
                if source is None or source_of(channel.channel) == source:
                    found.setdefault(channel.channel, []).append(channel)
        channels = tuple(_channel(name, found[name]) for name in sorted(found, key=_in_order))
        return HeardReport(time_zone=str(self._zone), days=wanted, channels=channels)

    def gaps(self, day: date, *, now: datetime, source: str | None = None) -> GapDay:
        """The gaps of a day, of all sources or of one. Raises StoreError."""
        begin, end = day_span(day, self._zone)
        found = [
            gap
            for gap in joined(one for one in self._records(begin, min(end, now), now=now) if isinstance(one, Gap))
            if source is None or gap.channel == ALL or source_of(gap.channel) == source
        ]
        found.sort(key=lambda gap: (gap.start, gap.end), reverse=True)
        shown = tuple(GapView.of(gap, is_open=gap.end >= now) for gap in found[:MOST_GAPS])
        return GapDay(day=day, gaps=shown, left_out=len(found) - len(shown))

    def _records(self, since: datetime, until: datetime, *, now: datetime) -> Sequence[Record]:
        node = self._ledger.node
        with self._store.read() as session:
            return ledger_records(session, since, until, self._ledger, now=now, node=node)[node]


def _channel(name: str, days: Sequence[Heard]) -> HeardChannel:
    shown = (HeardDay(day=one.day, loaded_s=one.loaded_s, heard_s=one.heard_s, missing_s=one.missing_s) for one in days)
    return HeardChannel(channel=name, source=source_of(name), days=tuple(shown))


def _in_order(channel: str) -> tuple[str, int, str]:
    """Channel 10 comes after channel 9."""
    source, _, number = channel.rpartition("_")
    return (source, int(number), channel) if number.isdecimal() else (channel, 0, channel)
