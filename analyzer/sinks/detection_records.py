"""Changes of detections as records of a store: that of the node, or of another one. Needs no database."""

from __future__ import annotations

from analyzer.sinks.base import SinkContext
from tidzam.daytime import day_part
from tidzam.naming import source_of
from tidzam.protocol.analyzer import PROBABILITY_DIGITS
from tidzam.results import CascadeIdentity, Detection, DetectionChange
from tidzam.store.records import DetectionRecord


def record_of(change: DetectionChange, context: SinkContext, cascade: CascadeIdentity | None) -> DetectionRecord:
    """The record of a change. `cascade` made the detection, None if that is not known."""
    found, place = change.detection, context.location
    model = "" if cascade is None else cascade.classifier_of.get(found.label, "")
    return DetectionRecord(
        node=context.node,
        id=found.id,
        source=source_of(found.channel),
        channel=found.channel,
        path=found.path,
        start=found.start,
        end=found.end,
        peak_probability=round(found.peak_probability, PROBABILITY_DIGITS),
        mean_probability=round(found.mean_probability, PROBABILITY_DIGITS),
        windows=found.windows,
        is_open=change.kind != "end",
        model=model,
        version=cascade.versions.get(model, "") if cascade else "",
        level_dbfs=round(found.channels[0].level_dbfs, 1) if found.channels else None,
        clip=found.clip,
        time_zone=place.time_zone if place else "UTC",
        day_part=day_part(found.start, place) if place else None,
        channels=_several(found),
    )


def _several(found: Detection) -> tuple[dict[str, object], ...]:
    """The channels of a detection, the loudest first, if there are several."""
    if len(found.channels) < 2:
        return ()
    return tuple(
        {
            "channel": heard.channel,
            "level_dbfs": round(heard.level_dbfs, 1),
            "arrival_ms": None if heard.arrival_s is None else round(1000 * heard.arrival_s, 2),
        }
        for heard in found.channels
    )
