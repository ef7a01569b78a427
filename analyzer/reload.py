"""Reloading the classifiers while the analyzer listens: on request, on SIGHUP, and when their folders change."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from analyzer.cascade_loading import CascadeChoice, CascadeLoader
from analyzer.folder_watch import FileState, FolderWatch, bundle_files
from analyzer.live_cascade import LiveCascade
from tidzam.aio import first_completed
from tidzam.config.location import LocationSettings
from tidzam.config.reload import ReloadSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import TidzamError
from tidzam.protocol.classifiers import ReloadAnswer, ReloadStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReloadOptions:
    """How the cascade that is loaded at the start can be loaded again. `known_files` are the files of its bundles at
    that time."""

    loader: CascadeLoader
    choice: CascadeChoice
    known_files: tuple[FileState, ...]
    settings: ReloadSettings

    @classmethod
    def of(cls, settings: AnalyzerSettings, location: LocationSettings | None, home: Path | None) -> ReloadOptions:
        """Those of a cascade that is about to be loaded."""
        choice = CascadeChoice(settings.nn, settings.models)
        loader = CascadeLoader(settings, location, home)
        return cls(loader, choice, bundle_files(choice.folders(home)), settings.reload)


@dataclass(frozen=True)
class _Counts:
    """Reloads so far."""

    taken: int = 0
    refused: int = 0
    last: datetime | None = None
    refusal: str | None = None


class ClassifierReloader:
    """Replaces the live cascade by the one that its folders hold. One reload at a time; others wait for their turn."""

    def __init__(self, live: LiveCascade, options: ReloadOptions) -> None:
        self._live, self._loader, self._choice = live, options.loader, options.choice
        settings = options.settings
        watch = FolderWatch(self._folders, options.known_files, settle_s=settings.settle_s)
        self._watch = watch if settings.watch else None
        self._counts = _Counts()
        self._turn, self._asked = asyncio.Lock(), asyncio.Event()

    def _folders(self) -> tuple[Path, ...]:
        return self._choice.folders(self._loader.home)

    @property
    def status(self) -> ReloadStatus:
        counts = self._counts
        return ReloadStatus(
            loading=self._turn.locked(),
            count=counts.taken,
            refused=counts.refused,
            last=counts.last,
            refusal=counts.refusal,
        )

    def ask(self) -> None:
        """Reload soon: for a signal handler."""
        self._asked.set()

    async def run(self) -> None:
        """Reload when asked and when folders change, until cancelled. What is refused is logged."""
        while True:
            changed = asyncio.Event().wait() if self._watch is None else self._watch.changed()
            await first_completed(self._asked.wait(), changed)
            self._asked.clear()
            with suppress(TidzamError):  # it is logged, and part of the health
                await self.reload()

    async def reload(self) -> ReloadAnswer:
        """Load the classifiers again, and let them take over if they differ from the live ones.

        Raises TidzamError with the reason if they cannot be used; the old ones continue.
        """
        async with self._turn:
            try:
                changed = await self._reload()
            except TidzamError as error:
                self._refused(error)
                raise
            except Exception as error:
                log.exception("loading the classifiers failed")
                unknown = TidzamError(
                    f"The classifiers cannot be loaded: {type(error).__name__}: {error}.",
                    hint="See the log.",
                    code="internal",
                )
                self._refused(unknown)
                raise unknown from error
            identity = self._live.pipeline.identity
            return ReloadAnswer(classifiers=identity.classifiers, bundles=dict(identity.versions), changed=changed)

    async def _reload(self) -> bool:
        pipeline = await self._loader.load(self._choice, live=self._live.pipeline.bundle_versions)
        if pipeline is None:
            self._counts = replace(self._counts, refusal=None)
            log.info("the classifiers are unchanged")
            return False
        await self._live.replace(pipeline)
        counts = self._counts
        self._counts = replace(counts, taken=counts.taken + 1, last=datetime.now(UTC), refusal=None)
        versions = ", ".join(f"{name} {version}" for name, version in pipeline.bundle_versions.items())
        log.info("new classifiers have taken over: %s", versions)
        return True

    def _refused(self, error: TidzamError) -> None:
        self._counts = replace(self._counts, refused=self._counts.refused + 1, refusal=str(error))
        log.error("the new classifiers are refused, and the old ones continue: %s", error)
