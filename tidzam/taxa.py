"""Groups of animals, such as frogs, by the genus in a scientific name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

BIRDS: Final = "birds"
GENERA: Final[Mapping[str, str]] = {
    "frogs": "Acris Anaxyrus Dryophytes Eleutherodactylus Gastrophryne Hyliola Incilius Lithobates Pseudacris "
    "Scaphiopus Spea",
    "insects": "Allonemobius Amblycorypha Anaxipha Atlanticus Conocephalus Cyrtoxipha Eunemobius Gryllus Miogryllus "
    "Neoconocephalus Neonemobius Oecanthus Orchelimum Orocharis Phyllopalpus Pterophylla Scudderia",
    "mammals": "Alouatta Canis Odocoileus Sciurus Tamias Tamiasciurus",
}
"""The genera of each group other than birds: all those that BirdNET V2.4 knows. Toads are frogs."""
GROUPS: Final = (BIRDS, *GENERA)
_SCIENTIFIC: Final = re.compile(r"([A-Z][a-z-]+) ([a-z-]+)(?: [a-z-]+)?")
_GROUP_OF: Final = {genus: group for group, genera in GENERA.items() for genus in genera.split()}


def genus_and_species(text: str) -> tuple[str, str] | None:
    """The genus and the species of a scientific name, which may have a subspecies; None if it is none.

    >>> genus_and_species("Turdus merula"), genus_and_species("reed warbler")
    (('Turdus', 'merula'), None)
    """
    found = _SCIENTIFIC.fullmatch(text)
    return None if found is None else (found[1], found[2])


def group_of(scientific_name: str) -> str | None:
    """The group that a species belongs to, if it is known to be no bird.

    >>> group_of("Pseudacris crucifer"), group_of("Turdus merula")
    ('frogs', None)
    """
    names = genus_and_species(scientific_name)
    return None if names is None else _GROUP_OF.get(names[0])
