"""What the pages of the console ask a store of years, through the services that they use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from benchmarks.store_other_rows import TAGS
from benchmarks.store_rows import CHANNELS, CLASSES, END, SPAN, place_names
from console.live.notices import Notices
from console.services.annotations.models import AnnotationSearch
from console.services.annotations.segments import day_segments, segment_days
from console.services.annotations.service import AnnotationService
from console.services.annotations.tags import list_tags
from console.services.audit_log import audit_page
from console.services.builder.material import TrainingMaterial
from console.services.class_management import AT_ONCE
from console.services.detection_charts import day_counts, heard, hour_counts
from console.services.detection_models import CountFilter, DetectionSearch
from console.services.detections import filter_choices, find_detection, list_detections
from console.services.known_classes import KnownClasses
from console.services.node_state import node_view
from console.services.recent import RecentQuery, recent_hours
from console.services.search.similar import heard_between
from console.services.search.teaching import judged_by_detections
from console.services.sources.heard import HeardLedger
from console.web.charts import bins_between, step_of
from tidzam.config import Settings
from tidzam.jobs.queue import JobQueue
from tidzam.sound_index.index import IndexedWindow
from tidzam.store.class_removal import removable_detections
from tidzam.store.database import Store
from tidzam.store.lookups import SEPARATOR
from tidzam.store.queries.class_times import class_times, tag_times
from tidzam.store.queries.cursor import TimeCursor
from tidzam.store.queries.gaps import NodeLedger

NODE: Final = place_names(0)[0]
_ZONE: Final = ZoneInfo("UTC")
_LEDGER: Final = NodeLedger(NODE, None)


@dataclass(frozen=True)
class FilledStore:
    """A store with `detections`, of a node with `settings`, of which there are `days`."""

    store: Store
    settings: Settings
    detections: int
    days: int = SPAN.days
    known: KnownClasses = field(default_factory=KnownClasses)


Query = Callable[[FilledStore, Random], object]


def _moment(draw: Random, filled: FilledStore) -> datetime:
    return END - timedelta(days=draw.uniform(0, filled.days))


def _class(draw: Random) -> tuple[str, ...]:
    return (SEPARATOR.join(draw.choice(CLASSES)),)


def _channel(draw: Random) -> str:
    return place_names(draw.randrange(CHANNELS))[2]


def _days(draw: Random, filled: FilledStore, days: int) -> tuple[date, date]:
    """The first and the last of so many days in a row."""
    last = END.date() - timedelta(days=1 + draw.randrange(max(1, filled.days - days)))
    return last - timedelta(days=days - 1), last


def _search(draw: Random, filled: FilledStore, days: int, **chosen: Any) -> DetectionSearch:
    first, last = _days(draw, filled, days)
    return DetectionSearch.model_validate({"first_day": first, "last_day": last, **chosen})


def _list(filled: FilledStore, before: datetime | None = None, /, **chosen: Any) -> object:
    cursor = None if before is None else str(TimeCursor(before, 0))
    wanted = DetectionSearch.model_validate(chosen)
    return list_detections(filled.store, wanted, _ZONE, filled.known, before=cursor, limit=40).detections


def _week_filtered(filled: FilledStore, draw: Random) -> object:
    wanted = _search(draw, filled, 7, min_probability=0.95, min_duration_s=5, day_part=("dawn",))
    return list_detections(filled.store, wanted, _ZONE, filled.known, limit=40).detections


def _species(filled: FilledStore, draw: Random, days: int) -> object:
    first, last = _days(draw, filled, days)
    step = step_of(bins_between(first, last))
    return heard(filled.store, CountFilter(first_day=first, last_day=last), _ZONE, filled.known, step_days=step)


def _charts(filled: FilledStore, draw: Random, days: int, **chosen: Any) -> object:
    wanted = _search(draw, filled, days, **chosen)
    assert wanted.first_day is not None
    assert wanted.last_day is not None
    step = step_of(bins_between(wanted.first_day, wanted.last_day))
    counts = day_counts(filled.store, wanted, _ZONE, filled.known, step_days=step)
    return *counts, *hour_counts(filled.store, wanted, _ZONE, filled.known, step_days=step)


def _now(filled: FilledStore, draw: Random) -> object:
    wanted = RecentQuery(hours=24, model=None)
    now = _moment(draw, filled)
    return recent_hours(filled.store, wanted, zone=_ZONE, now=now, ledger=_LEDGER, location=None).classes


def _annotations(filled: FilledStore) -> AnnotationService:
    return AnnotationService(
        store=filled.store,
        settings=filled.settings,
        zone=_ZONE,
        notices=Notices(),
        node=lambda: node_view(NODE, None, None, now=END),
        now=lambda: END,
    )


def _annotations_of_day(filled: FilledStore, draw: Random) -> object:
    day = _moment(draw, filled).replace(hour=0, minute=0)
    wanted = AnnotationSearch.model_validate({"channel": _channel(draw), "from": day, "to": day + timedelta(days=1)})
    return _annotations(filled).find(wanted).items


def _annotations_of_tag(filled: FilledStore, draw: Random) -> object:
    wanted = AnnotationSearch(tag=(f"tag-{draw.randrange(TAGS):02d}",))
    return _annotations(filled).find(wanted, limit=100).items


def _annotation_counts(filled: FilledStore, **chosen: Any) -> object:
    return _annotations(filled).count(AnnotationSearch.model_validate(chosen)).days


def _segments(filled: FilledStore, draw: Random) -> object:
    day = _moment(draw, filled).date()
    return day_segments(filled.settings, filled.store, _channel(draw), day, _ZONE).items


def _listened(filled: FilledStore, draw: Random, days: int) -> object:
    return HeardLedger(filled.store, _LEDGER, zone=_ZONE).report(now=_moment(draw, filled), days=days).channels


def _gaps(filled: FilledStore, draw: Random) -> object:
    now = _moment(draw, filled)
    return HeardLedger(filled.store, _LEDGER, zone=_ZONE).gaps(now.date(), now=now).gaps


def _activity(filled: FilledStore, draw: Random, times: Callable[..., Any]) -> object:
    first, last = _days(draw, filled, 365)
    with filled.store.read() as session:
        return times(session, first, last, _ZONE, ledger=_LEDGER, now=END).counts


def _class_removal(filled: FilledStore, draw: Random) -> object:
    with filled.store.read() as session:
        return removable_detections(session, draw.randint(1, len(CLASSES)), limit=AT_ONCE).removable


def _jobs(filled: FilledStore, _: Random) -> object:
    with filled.store.read() as session:
        return JobQueue(session, NODE).list(limit=50, kinds=["recognizer"])


def _material(filled: FilledStore, draw: Random) -> object:
    material = TrainingMaterial(filled.store, filled.settings, _ZONE)
    return [*material.per_day(), *material.recorded_days(END)]


def _similar(filled: FilledStore, draw: Random) -> object:
    found: list[object] = []
    with filled.store.read() as session:
        for _ in range(20):
            start = _moment(draw, filled)
            found += heard_between(session, _channel(draw), start, start + timedelta(seconds=3))
    return found


def _label_next(filled: FilledStore, draw: Random) -> object:
    windows = [_window(draw, filled) for _ in range(5000)]
    with filled.store.read() as session:
        return judged_by_detections(session, windows).worth.max()


def _window(draw: Random, filled: FilledStore) -> IndexedWindow:
    start = _moment(draw, filled)
    return IndexedWindow(0, _channel(draw), start, start + timedelta(seconds=3))


QUERIES: Final[dict[str, Query]] = {
    "newest_page": lambda filled, _: _list(filled),
    "older_page": lambda filled, draw: _list(filled, _moment(draw, filled)),
    "class": lambda filled, draw: _list(filled, None, **{"class": _class(draw)}),
    "group_of_classes": lambda filled, draw: _list(filled, _moment(draw, filled), **{"class": ("birds",)}),
    "rare_group": lambda filled, draw: _list(filled, _moment(draw, filled), **{"class": ("insects",)}),
    "class_and_channel": lambda filled, draw: _list(
        filled, None, **{"class": _class(draw), "channel": (_channel(draw),)}
    ),
    "week_filtered": _week_filtered,
    "filter_without_result": lambda filled, _: _list(filled, min_probability=0.99999, day_part=("dusk",)),
    "judged_wrong": lambda filled, draw: _list(filled, _moment(draw, filled), verdict=("wrong",)),
    "starred": lambda filled, draw: _list(filled, _moment(draw, filled), starred=True),
    "detection": lambda filled, draw: find_detection(filled.store, draw.randint(1, filled.detections), _ZONE),
    "filter_choices": lambda filled, _: filter_choices(filled.store, filled.known).classes,
    "charts_of_month": lambda filled, draw: _charts(filled, draw, 30),
    "charts_of_month_filtered": lambda filled, draw: _charts(filled, draw, 30, min_probability=0.9),
    "charts_of_class_and_year": lambda filled, draw: _charts(filled, draw, 365, **{"class": _class(draw)}),
    "charts_of_channel_and_month": lambda filled, draw: _charts(filled, draw, 30, channel=(_channel(draw),)),
    "charts_of_year": lambda filled, draw: _charts(filled, draw, 365),
    "species_of_month": lambda filled, draw: _species(filled, draw, 30),
    "species_of_year": lambda filled, draw: _species(filled, draw, 365),
    "species_of_all_years": lambda filled, draw: _species(filled, draw, filled.days - 1),
    "removal_of_class": _class_removal,
    "last_hours": _now,
    "activity_of_year": lambda filled, draw: _activity(filled, draw, class_times),
    "activity_of_tags": lambda filled, draw: _activity(filled, draw, tag_times),
    "listened_of_two_weeks": lambda filled, draw: _listened(filled, draw, 14),
    "listened_of_quarter": lambda filled, draw: _listened(filled, draw, 92),
    "gaps_of_day": _gaps,
    "recorded_days": lambda filled, draw: segment_days(filled.settings, filled.store, _channel(draw), _ZONE),
    "segments_of_day": _segments,
    "annotations_of_day": _annotations_of_day,
    "annotations_of_tag": _annotations_of_tag,
    "annotations_per_day": lambda filled, _: _annotation_counts(filled),
    "annotations_per_day_of_channel": lambda filled, draw: _annotation_counts(filled, channel=_channel(draw)),
    "tags": lambda filled, _: list_tags(filled.store),
    "days_for_training": _material,
    "detections_of_similar": _similar,
    "label_next": _label_next,
    "jobs": _jobs,
    "audit_log": lambda filled, draw: audit_page(filled.store, before=draw.randint(200, 100_000), limit=100).entries,
}
"""What pages ask, by the name of its figure."""
