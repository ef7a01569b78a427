"""Loading the pipeline of a cascade beside one that is live."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analyzer.classifiers.background import in_background
from analyzer.pipeline import Pipeline
from tidzam.bundle import cascade_folders, read_bundle
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import TidzamError
from tidzam.paths import DEMO_BUNDLES, models_folder

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CascadeChoice:
    """Which bundles form a cascade: those in the folder `nn`, and installed models; the demo's without either."""

    nn: Path | None
    models: tuple[str, ...] = ()

    def folders(self, home: Path | None) -> tuple[Path, ...]:
        """Where they are, or should be: folders of bundles, and bundles."""
        installed = tuple(models_folder(home) / name for name in self.models)
        return installed if self.nn is None and installed else (self.nn or DEMO_BUNDLES, *installed)


class CascadeLoader:
    """Makes pipelines that differ from those of `settings` only by their cascade. `home` is the node's home."""

    def __init__(self, settings: AnalyzerSettings, location: LocationSettings | None, home: Path | None) -> None:
        self._settings, self._location, self.home = settings, location, home

    async def load(self, choice: CascadeChoice, *, live: Mapping[str, str] | None = None) -> Pipeline | None:
        """The pipeline of `choice`, verified and tried in another process. None if its bundles have the versions that
        are `live` already. Raises the errors of `Pipeline.of`, and TidzamError (`internal`) for any other."""
        try:
            return await in_background(lambda: self._load(choice, live), name="load")
        except TidzamError:
            raise
        except Exception as error:
            log.exception("loading classifiers failed")
            raise TidzamError(
                f"The classifiers cannot be loaded: {type(error).__name__}: {error}.",
                hint="See the log.",
                code="internal",
            ) from error

    def _load(self, choice: CascadeChoice, live: Mapping[str, str] | None) -> Pipeline | None:
        if live is not None:
            paths = cascade_folders(choice.nn, choice.models, home=self.home)
            manifests = [read_bundle(path).manifest for path in paths]
            if {manifest.name: manifest.version for manifest in manifests} == dict(live):
                return None
        settings = self._settings.model_copy(update={"nn": choice.nn, "models": choice.models})
        return Pipeline.of(settings, self._location, home=self.home)
