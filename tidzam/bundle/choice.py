"""Which bundles form a cascade, by folder and by name. Pure but for the names of folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tidzam.bundle.versions import model_folder, model_name
from tidzam.paths import DEMO_BUNDLES, models_folder


@dataclass(frozen=True)
class CascadeChoice:
    """Which bundles form a cascade: those in the folder `nn`, and installed models; the demo's without either.

    A model may be named with a version of it that is kept (`tidzam.bundle.versions`).
    """

    nn: Path | None
    models: tuple[str, ...] = ()

    def folders(self, home: Path | None) -> tuple[Path, ...]:
        """Where they are, or should be: folders of bundles, and bundles."""
        installed = tuple(model_folder(models_folder(home), name) for name in self.models)
        return installed if self.nn is None and installed else (self.nn or DEMO_BUNDLES, *installed)

    def changed(self, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> CascadeChoice:
        """The same cascade with further installed models, in place of other versions of these, and without others. The
        bundles in a folder stay.

        >>> CascadeChoice(None, ("birdnet",)).changed(add=["herons"], remove=["birdnet"])
        CascadeChoice(nn=None, models=('herons',))
        """
        gone = {model_name(name) for name in (*add, *remove)}
        kept = tuple(name for name in self.models if model_name(name) not in gone)
        nn = DEMO_BUNDLES if self.nn is None and not self.models else self.nn
        return CascadeChoice(nn, (*kept, *dict.fromkeys(add)))
