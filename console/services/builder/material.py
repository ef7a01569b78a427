"""What the store and the recordings hold for a model: annotations by day, and the sections of files they lie in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import Session

from console.services.builder.models import DayUse, is_background
from console.services.builder.sections import (
    SLOT_S,
    BackgroundSlots,
    HeardTag,
    TrainingSection,
    annotated_section,
    background_runs,
    spread,
)
from console.services.channel_recordings import ChannelRecordings
from console.services.sound_places import channel_recordings
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.store.database import Store
from tidzam.store.local_time import day_number
from tidzam.store.queries.annotations import AnnotationCriteria, annotations_per_day
from tidzam.store.tables.annotations import AnnotationRow, TagRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow
from tidzam.store.tables.recordings import RecordingRow

MOST_ANNOTATIONS: Final = 100_000
"""The most annotations that are used at once."""
_DAY_US: Final = 86_400_000_000
_DAY: Final = timedelta(days=1)
_NO_DAY: Final = timedelta(0)


@dataclass(frozen=True)
class Material:
    """Sections of files for a model, and how many annotations have no recording any more."""

    sections: tuple[TrainingSection, ...]
    unrecorded: int


class TrainingMaterial:
    """The annotations and recordings of the node of `settings`, whose clock is that of `zone`."""

    def __init__(self, store: Store, settings: Settings, zone: ZoneInfo) -> None:
        self._store, self._settings, self._zone = store, settings, zone

    def per_day(self) -> dict[date, dict[str, int]]:
        """The number of annotations by day and tag."""
        found = defaultdict[date, dict[str, int]](dict)
        with self._store.read() as session:
            for one in annotations_per_day(session, AnnotationCriteria(node=self._settings.node.known_as)):
                found[one.day][one.tag] = one.annotations
        return dict(found)

    def recorded_days(self, now: datetime) -> set[date]:
        """The days of which the store lists recordings; one on which the clocks change may be off by an hour."""
        offset = now.astimezone(self._zone).utcoffset() or timedelta(0)
        shifted = type_coerce(RecordingRow.start, BigInteger) + offset // timedelta(microseconds=1)
        query = select((shifted - shifted % _DAY_US).label("day")).distinct()
        query = query.join(SourceRow, SourceRow.id == RecordingRow.source_id).join(NodeRow)
        query = query.where(NodeRow.name == self._settings.node.known_as)
        with self._store.read() as session:
            return {date(1970, 1, 1) + timedelta(days=start // _DAY_US) for start in session.scalars(query)}

    def gather(
        self,
        uses: Mapping[date, DayUse],
        *,
        window_s: float,
        between: bool,
        background_windows: int,
        longest_background_s: float = SLOT_S,
    ) -> Material:
        """The sections for these uses of days: annotations with their tags, and background, which days for background
        state.

        Background is cut into sections of at most `longest_background_s`, or one window. With `between`, what was not
        annotated on days for training and tests is background, too. Raises RequestError
        (`too_many_annotations`) and StoreError.
        """
        with self._store.read() as session:
            heard = self._heard(session, uses)
            used = {channel for channel, by_day in heard.items() if by_day.keys() & uses.keys()}
            channels = sorted(used) or self._channels(session)
        sections: list[TrainingSection] = []
        runs = defaultdict[DayUse, list[TrainingSection]](list)
        unrecorded = 0
        for channel in channels:
            recordings, by_day = self._recordings(channel), heard.get(channel, {})
            for day, use in sorted(uses.items()):
                of_day = by_day.get(day, [])
                if not of_day and not between and not use.is_background:
                    continue
                period = self._period(day)
                files = [] if recordings is None else recordings.files(*period)
                number = 0 if recordings is None else recordings.number
                if not use.is_background:
                    found = [annotated_section(one, files, number, use) for one in of_day]
                    sections += [one for one in found if one is not None]
                    unrecorded += sum(one is None for one in found)
                if use.is_background or between:
                    taken = [*by_day.get(day - _DAY, ()), *of_day]
                    if use.is_background:
                        taken = [one for one in taken if not is_background(one.tag)]
                    for file in files:
                        runs[use.background] += background_runs(
                            file,
                            number,
                            taken,
                            use.background,
                            window_s=window_s,
                            period=period,
                            is_stated=use.is_background,
                        )
        for of_use in runs.values():
            sections += spread(
                BackgroundSlots(of_use, window_s, longest_background_s), background_windows, window_s=window_s
            )
        return Material(tuple(sections), unrecorded)

    def _period(self, day: date) -> tuple[datetime, datetime]:
        start = datetime.combine(day, datetime.min.time(), self._zone)
        return start, datetime.combine(day + timedelta(days=1), datetime.min.time(), self._zone)

    def _recordings(self, channel: str) -> ChannelRecordings | None:
        try:
            return channel_recordings(self._settings, self._store, channel)
        except RequestError:  # it was never recorded
            return None

    def _heard(self, session: Session, days: Collection[date]) -> dict[str, dict[date, list[HeardTag]]]:
        """All annotations that reach into these days, by channel and the day on which they begin: a day at most
        before. Raises RequestError (`too_many_annotations`)."""
        row, numbers = AnnotationRow, {day_number(day - back): day - back for day in days for back in (_NO_DAY, _DAY)}
        query = select(ChannelRow.name, row.local_day, row.start, row.end, TagRow.name)
        query = query.join(ChannelRow, ChannelRow.id == row.channel_id).join(TagRow, TagRow.id == row.tag_id)
        query = query.join(SourceRow, SourceRow.id == ChannelRow.source_id).join(NodeRow)
        query = query.where(NodeRow.name == self._settings.node.known_as, row.local_day.in_(numbers))
        found: dict[str, dict[date, list[HeardTag]]] = {}
        rows = session.execute(query.order_by(row.start).limit(MOST_ANNOTATIONS + 1)).all()
        if len(rows) > MOST_ANNOTATIONS:
            message = f"days: these and the days before them have more than {MOST_ANNOTATIONS:,} annotations."
            raise RequestError(message, hint="Use fewer days.", code="too_many_annotations", field="days")
        for channel, day, start, end, tag in rows:
            found.setdefault(channel, {}).setdefault(numbers[day], []).append(HeardTag(start, end, tag))
        return found

    def _channels(self, session: Session) -> list[str]:
        query = select(ChannelRow.name).join(SourceRow).join(NodeRow)
        return sorted(session.scalars(query.where(NodeRow.name == self._settings.node.known_as)))
