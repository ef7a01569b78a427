"""What the installed models say about classes beyond their labels: scientific names, and groups such as birds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from console.services.library.bundles import library_bundles
from tidzam.bundle import BundleManifest
from tidzam.config import Settings
from tidzam.errors import BundleError
from tidzam.models.birdnet import NAME as BIRDNET
from tidzam.taxa import BIRDS, GROUPS, genus_and_species, group_of


@dataclass(frozen=True)
class KnownClasses:
    """What is known about classes from the manifests of models."""

    manifests: Sequence[BundleManifest] = ()

    def scientific_name(self, label: str) -> str | None:
        """The scientific name of a class: as a model states it, or as the label itself does before an underscore.
        BirdNET states those of all its species: its other classes have none."""
        for manifest in self.manifests:
            if (name := manifest.scientific_names.get(label)) is not None:
                return name
        if any(label in one.classes for one in self._birdnet):
            return None
        own, separator, _ = label.partition("_")
        return own if separator and genus_and_species(own) is not None else None

    def group(self, path: Sequence[str]) -> str | None:
        """The group that a class belongs to, one of `GROUPS`: that of its genus, or the one below which it is."""
        label = path[-1]
        name = self.scientific_name(label) or ""
        if (group := group_of(name)) is not None:
            return group
        names = genus_and_species(name)
        if any(label in one.scientific_names for one in self._birdnet) or (names and names[0] in self._genera):
            return BIRDS
        return path[0] if path[0] in GROUPS else None

    @cached_property
    def _birdnet(self) -> tuple[BundleManifest, ...]:
        return tuple(one for one in self.manifests if one.name == BIRDNET)

    @cached_property
    def _genera(self) -> frozenset[str]:
        """The genera that BirdNET knows: birds, and those of the other groups."""
        names = (genus_and_species(name) for one in self._birdnet for name in one.scientific_names.values())
        return frozenset(one[0] for one in names if one is not None)


def known_classes(settings: Settings) -> KnownClasses:
    """What the models say that are installed, or that the node runs."""
    manifests = []
    for bundle in library_bundles(settings):
        try:
            manifests.append(bundle.manifest())
        except BundleError:  # the page Models says so
            continue
    return KnownClasses(tuple(manifests))
