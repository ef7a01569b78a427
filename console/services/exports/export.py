"""A file with all detections that are wanted, in one of several formats."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from console.services.detection_models import DetectionSearch
from console.services.detections import midnight
from console.services.exports.clips import clip_archive
from console.services.exports.ebird import ebird_table
from console.services.exports.labels import audacity_labels, raven_table
from console.services.exports.parquet import parquet_table
from console.services.exports.selected import selected
from console.services.exports.table import csv_table
from console.services.known_classes import known_classes
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.store.database import Store


class ExportFormat(StrEnum):
    """The format of a file of detections."""

    CSV = "csv"
    PARQUET = "parquet"
    RAVEN = "raven"
    AUDACITY = "audacity"
    EBIRD = "ebird"
    CLIPS = "clips"

    @property
    def media_type(self) -> str:
        """As HTTP names it."""
        if self is ExportFormat.CLIPS:
            return "application/zip"
        if self is ExportFormat.PARQUET:
            return "application/vnd.apache.parquet"
        is_table = self in (ExportFormat.CSV, ExportFormat.EBIRD)
        return f"text/{'csv' if is_table else 'tab-separated-values'}; charset=utf-8"

    @property
    def file_name(self) -> str:
        """The name for downloads."""
        return {
            ExportFormat.CSV: "detections.csv",
            ExportFormat.PARQUET: "detections.parquet",
            ExportFormat.RAVEN: "detections.Table.1.selections.txt",
            ExportFormat.AUDACITY: "detections.txt",
            ExportFormat.EBIRD: "ebird.csv",
            ExportFormat.CLIPS: "clips.zip",
        }[self]


def export(
    store: Store,
    settings: Settings,
    wanted: DetectionSearch,
    zone: ZoneInfo,
    export_format: ExportFormat,
    *,
    origin: datetime | None = None,
) -> Iterator[bytes]:
    """The content of a file, the newest detections first. Raven and Audacity count seconds from `origin`, or from the
    first day that is wanted.

    Raises RequestError (`request`) if neither is known, if eBird needs the position of the node, or without pyarrow;
    and BusyError if clips are exported already.
    """
    known = known_classes(settings)
    batches = selected(store, wanted, zone, known)
    match export_format:
        case ExportFormat.CSV:
            return csv_table(batches, zone)
        case ExportFormat.PARQUET:
            return parquet_table(batches)
        case ExportFormat.CLIPS:
            return clip_archive(settings, store, batches, zone)
        case ExportFormat.RAVEN:
            return raven_table(batches, _origin(wanted, zone, origin), settings.jack.rate_hz)
        case ExportFormat.AUDACITY:
            return audacity_labels(batches, _origin(wanted, zone, origin))
        case ExportFormat.EBIRD:
            if settings.location is None:
                hint = "Set location in the profile."
                message = "eBird needs the position of the node."
                raise RequestError(message, hint=hint, code="request", field="format")
            return ebird_table(store, wanted, zone, settings.location, known)


def _origin(wanted: DetectionSearch, zone: ZoneInfo, origin: datetime | None) -> datetime:
    if origin is not None:
        return origin
    if wanted.first_day is None:
        hint = "Send the beginning of the sound, or a first_day."
        raise RequestError("origin: seconds need a time to count from.", hint=hint, code="request", field="origin")
    return midnight(wanted.first_day, zone)
