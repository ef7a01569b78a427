"""Verified detections in the Record Format (Extended) of eBird, which its page for uploads takes.

Source: "eBird Record Format (Extended)", 19 columns without a header, in the help of eBird on uploads of spreadsheets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import Field

from console.services.detection_models import DetectionSearch, VerdictFilter
from console.services.exports.selected import Batch, selected
from console.services.exports.table import Row, cell, csv_lines
from console.services.known_classes import KnownClasses
from console.services.models import ConsoleModel
from console.services.turns import Turns
from tidzam.config.location import LocationSettings
from tidzam.store.database import Store
from tidzam.store.queries.detections import StoredDetection
from tidzam.store.tables.detections import DetectionVerdict
from tidzam.taxa import BIRDS, genus_and_species

_Names = tuple[str, str, str]
_VERIFIED: Final = (VerdictFilter.RIGHT, VerdictFilter.OTHER_CLASS)
_TURNS: Final = Turns(1)


class EbirdFileView(ConsoleModel):
    """What a file for eBird holds, and what it leaves out."""

    rows: int = Field(description="Number of rows: one per species and day")
    species: int = Field(description="Number of species")
    left_out: Mapping[str, int] = Field(description="Number of verified detections not known to be birds, by label")


def ebird_table(
    store: Store, wanted: DetectionSearch, zone: ZoneInfo, location: LocationSettings, known: KnownClasses
) -> Iterator[bytes]:
    """A row for each bird on each day, from detections of which a person says that the class is right, or names another
    one. They come in the order of time, backwards."""
    for first in _days(_verified(store, wanted, zone, known), zone, known):
        yield csv_lines(_row(names, time, location) for names, time in sorted(first.items()))


def ebird_file(store: Store, wanted: DetectionSearch, zone: ZoneInfo, known: KnownClasses) -> EbirdFileView:
    """What the file of the detections that are wanted holds. Raises BusyError if others count, too."""
    left_out: Counter[str] = Counter()
    with _TURNS.one():
        days = list(_days(_verified(store, wanted, zone, known), zone, known, left_out=left_out))
    species = {names for day in days for names in day}
    return EbirdFileView(rows=sum(map(len, days)), species=len(species), left_out=dict(left_out.most_common()))


def _verified(store: Store, wanted: DetectionSearch, zone: ZoneInfo, known: KnownClasses) -> Iterable[Batch]:
    """Those of the detections that are wanted of which a person says what they are; others are not read."""
    verdicts = tuple(one for one in _VERIFIED if not wanted.verdict or one in wanted.verdict)
    return selected(store, wanted.model_copy(update={"verdict": verdicts}), zone, known) if verdicts else ()


def _days(
    batches: Iterable[Batch], zone: ZoneInfo, known: KnownClasses, *, left_out: Counter[str] | None = None
) -> Iterator[dict[_Names, datetime]]:
    """The verified birds of each day, with when each was first heard. Others are counted in `left_out`."""
    day: date | None = None
    first: dict[_Names, datetime] = {}
    for stored, other_class in (one for batch in batches for one in batch):
        path = verified_path(stored, other_class)
        if path is None:
            continue
        if not is_bird(path, known):
            if left_out is not None:
                left_out[path[-1]] += 1
            continue
        start = stored.start.astimezone(zone)
        if start.date() != day:
            yield first
            day, first = start.date(), {}
        first[species_names(path[-1], known)] = start
    yield first


def verified_path(stored: StoredDetection, other_class: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The class that a person has confirmed or named; None if there is none."""
    return stored.path if stored.verdict is DetectionVerdict.RIGHT else other_class or None


def is_bird(path: Sequence[str], known: KnownClasses) -> bool:
    """Whether a class is a species for eBird: one of a genus known to be birds, or one below the group birds."""
    return known.group(path) == BIRDS and tuple(path) != (BIRDS,)


def species_names(label: str, known: KnownClasses) -> _Names:
    """The common name, the genus and the species of a label; what is not known is empty.

    >>> species_names("Turdus merula_Eurasian Blackbird", KnownClasses())
    ('Eurasian Blackbird', 'Turdus', 'merula')
    >>> species_names("reed warbler", KnownClasses())
    ('reed warbler', '', '')
    """
    own, _, common = label.partition("_")
    scientific = known.scientific_name(label)
    names = genus_and_species(scientific or "") or ("", "")
    return (common if scientific == own else label), *names


def _row(names: _Names, first: datetime, location: LocationSettings) -> Row:
    common, genus, species = names
    place, name = (location.latitude, location.longitude), f"{location.latitude:.4f}, {location.longitude:.4f}"
    when = (f"{first:%m/%d/%Y}", f"{first:%H:%M}")
    effort = ("", "", "Incidental", "", "", "N", "", "", "Heard by an acoustic recorder, verified by ear")
    return (cell(common), genus, species, "X", "", name, *place, *when, *effort)
