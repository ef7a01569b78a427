"""Which bundles form a cascade, by folder and by name. Pure but for the names of folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tidzam.paths import DEMO_BUNDLES, models_folder


@dataclass(frozen=True)
class CascadeChoice:
    """Which bundles form a cascade: those in the folder `nn`, and installed models; the demo's without either."""

    nn: Path | None
    models: tuple[str, ...] = ()

    def folders(self, home: Path | None) -> tuple[Path, ...]:
        """Where they are, or should be: folders of bundles, and bundles."""
        installed = tuple(models_folder(home) / name for name in self.models)
        return installed if self.nn is None and installed else (self.nn or DEMO_BUNDLES, *installed)

    def changed(self, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> CascadeChoice:
        """The same cascade with further installed models, and without others. The bundles in a folder stay.

        >>> CascadeChoice(None, ("birdnet",)).changed(add=["herons"], remove=["birdnet"])
        CascadeChoice(nn=None, models=('herons',))
        """
        kept = tuple(name for name in self.models if name not in remove and name not in add)
        nn = DEMO_BUNDLES if self.nn is None and not self.models else self.nn
        return CascadeChoice(nn, (*kept, *dict.fromkeys(add)))
