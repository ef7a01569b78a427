"""Verified detections in the Record Format (Extended) of eBird, which its page for uploads takes.

Source: "eBird Record Format (Extended)", 19 columns without a header, in the help of eBird on uploads of spreadsheets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from console.services.exports.selected import Batch
from console.services.exports.table import Row, cell, csv_lines
from tidzam.config.location import LocationSettings
from tidzam.store.queries.detections import StoredDetection
from tidzam.store.tables.detections import DetectionVerdict

_SCIENTIFIC: Final = re.compile(r"([A-Z][a-z-]+) ([a-z-]+)(?: [a-z-]+)?")


def ebird_table(batches: Iterable[Batch], zone: ZoneInfo, location: LocationSettings) -> Iterator[bytes]:
    """A row for each species on each day, from detections of which a person says that the class is right, or names
    another one. They come in the order of time, backwards."""
    day: date | None = None
    first: dict[str, datetime] = {}
    for stored, other_class in (one for batch in batches for one in batch):
        label = verified_label(stored, other_class)
        if label is None:
            continue
        start = stored.start.astimezone(zone)
        if start.date() != day:
            yield _rows(first, location)
            day, first = start.date(), {}
        first[label] = start
    yield _rows(first, location)


def verified_label(stored: StoredDetection, other_class: tuple[str, ...] | None) -> str | None:
    """The class that a person has confirmed or named; None if there is none."""
    if stored.verdict is DetectionVerdict.RIGHT:
        return stored.path[-1]
    return other_class[-1] if other_class else None


def _rows(first: Mapping[str, datetime], location: LocationSettings) -> bytes:
    return csv_lines(_row(label, time, location) for label, time in sorted(first.items()))


def species_names(label: str) -> tuple[str, str, str]:
    """The common name, the genus and the species of a label; what it does not say is empty.

    >>> species_names("Turdus merula_Eurasian Blackbird")
    ('Eurasian Blackbird', 'Turdus', 'merula')
    >>> species_names("reed warbler")
    ('reed warbler', '', '')
    """
    scientific, separator, common = label.partition("_")
    found = _SCIENTIFIC.fullmatch(scientific)
    if found is None:
        return label, "", ""
    return (common if separator else ""), found[1], found[2]


def _row(label: str, first: datetime, location: LocationSettings) -> Row:
    common, genus, species = species_names(label)
    place, name = (location.latitude, location.longitude), f"{location.latitude:.4f}, {location.longitude:.4f}"
    when = (f"{first:%m/%d/%Y}", f"{first:%H:%M}")
    effort = ("", "", "Incidental", "", "", "N", "", "", "Heard by an acoustic recorder, verified by ear")
    return (cell(common), genus, species, "X", "", name, *place, *when, *effort)
