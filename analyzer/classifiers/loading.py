"""Loading the pipeline of a cascade beside one that is live."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from analyzer.classifiers.background import in_background
from analyzer.live.thread_priority import ANALYSIS_NICE, BACKGROUND_NICE
from analyzer.pipeline import Pipeline, try_bundles
from tidzam.bundle import cascade_folders, novelty_folders, read_bundle
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.versions import model_folder
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import NodeError, TidzamError
from tidzam.paths import models_folder

log = logging.getLogger(__name__)


class CascadeLoader:
    """Makes pipelines that differ from those of `settings` only by their cascade. `home` is the node's home."""

    def __init__(self, settings: AnalyzerSettings, location: LocationSettings | None, home: Path | None) -> None:
        self._settings, self._location, self.home = settings, location, home

    @property
    def novelty_folders(self) -> tuple[Path, ...]:
        """Where the novelty bundles of the settings are, or should be."""
        models = models_folder(self.home)
        return tuple(Path(name) if "/" in name else model_folder(models, name) for name in self._settings.novelty)

    async def load(
        self,
        choice: CascadeChoice,
        *,
        live: Mapping[str, str] | None = None,
        nice: int = ANALYSIS_NICE,
        novelty: bool = True,
    ) -> Pipeline | None:
        """The pipeline of `choice`, verified and tried in another process. None if its bundles have the versions that
        are `live` already. Its networks run at the priority of `nice`, also in threads of their own. It has the
        novelty bundles of the settings, unless `novelty` is false.

        Raises the errors of `Pipeline.of`, and TidzamError (`internal`) for any other.
        """
        settings = self._settings.model_copy(update={"nn": choice.nn, "models": choice.models})
        if not novelty:
            settings = settings.model_copy(update={"novelty": ()})
        has_threads = settings.threads > 1
        with _contained():
            if not await in_background(lambda: self._try(settings, live, try_it=has_threads), name="try"):
                return None
            # What takes long is done. The priority of a thread cannot be raised later.
            return await in_background(
                lambda: Pipeline.of(settings, self._location, home=self.home),
                name="load",
                nice=nice if has_threads else BACKGROUND_NICE,
            )

    async def reopened(self, pipeline: Pipeline, choice: CascadeChoice) -> Pipeline:
        """The pipeline of a shadow, whose networks run at the priority of live ones: `pipeline`, unless they have their
        own threads.

        Raises NodeError (`shadow_changed`) if the bundles of `choice` are others by now, and the errors of `load`.
        """
        if self._settings.threads == 1:
            return pipeline
        fresh = await self.load(choice, novelty=False)
        assert fresh is not None
        if fresh.bundle_versions != pipeline.bundle_versions:
            raise NodeError(
                "The bundles of the shadow have changed since it was started.",
                hint="Wait until the new ones have been compared with the live classifiers.",
                code="shadow_changed",
            )
        return fresh

    def _try(self, settings: AnalyzerSettings, live: Mapping[str, str] | None, *, try_it: bool) -> bool:
        """Returns whether the bundles have other versions than those that are `live`."""
        if live is not None:
            paths = cascade_folders(settings.nn, settings.models, home=self.home)
            paths += novelty_folders(settings.novelty, home=self.home)
            manifests = [read_bundle(path).manifest for path in paths]
            if {manifest.name: manifest.version for manifest in manifests} == dict(live):
                return False
        if try_it:
            try_bundles(settings, home=self.home)
        return True


@contextmanager
def _contained() -> Iterator[None]:
    """Whatever is raised becomes a TidzamError: a fault of a bundle must not end the analyzer."""
    try:
        yield
    except TidzamError:
        raise
    except Exception as error:
        log.exception("loading classifiers failed")
        raise TidzamError(
            f"The classifiers cannot be loaded: {type(error).__name__}: {error}.",
            hint="See the log.",
            code="internal",
        ) from error
