"""Reloading the classifiers while the analyzer listens: on request, on SIGHUP, and when their folders change; and the
shadow cascade that may take their place, and be taken back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from analyzer.classifiers.folder_watch import FileState, FolderWatch, bundle_files
from analyzer.classifiers.live_cascade import LiveCascade
from analyzer.classifiers.loading import CascadeLoader
from analyzer.classifiers.promotion_log import PromotionLog
from analyzer.classifiers.shadow_control import ShadowControl
from analyzer.pipeline import Pipeline
from tidzam.aio import first_completed
from tidzam.bundle.choice import CascadeChoice
from tidzam.config.location import LocationSettings
from tidzam.config.reload import ReloadSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import NodeError, TidzamError
from tidzam.protocol.classifiers import ReloadAnswer, ReloadStatus
from tidzam.protocol.shadow import ShadowStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReloadOptions:
    """How the cascade that is loaded at the start can be loaded again, and which shadow runs beside it.

    `known_files` are the files of the bundles at the start. `refusal` is why what was promoted before does not run.
    """

    loader: CascadeLoader
    promotions: PromotionLog
    known_files: tuple[FileState, ...]
    settings: ReloadSettings
    shadow: CascadeChoice | None = None
    refusal: str | None = None

    @classmethod
    def of(
        cls,
        settings: AnalyzerSettings,
        location: LocationSettings | None,
        home: Path | None,
        *,
        fault: TidzamError | None = None,
    ) -> ReloadOptions:
        """Those of a cascade that is about to be loaded. `settings` are the node's: what was promoted is read here. A
        `fault` is why it cannot be used."""
        promotions, refusal = PromotionLog.of(settings, home, fault=fault)
        loader = CascadeLoader(settings, location, home)
        shadow = None if settings.shadow is None else CascadeChoice(settings.shadow.nn, settings.shadow.models)
        shadows = () if shadow is None else shadow.folders(home)
        folders = (*promotions.live.folders(home), *shadows, *loader.novelty_folders)
        return cls(loader, promotions, bundle_files(folders), settings.reload, shadow, refusal)


@dataclass(frozen=True)
class _Counts:
    """Reloads so far."""

    taken: int = 0
    refused: int = 0
    last: datetime | None = None
    refusal: str | None = None


class ClassifierReloader:
    """Replaces the live cascade by the one that its folders hold. One reload at a time; others wait for their turn."""

    def __init__(self, live: LiveCascade, shadow: ShadowControl, options: ReloadOptions) -> None:
        self._live, self._loader, self._promotions = live, options.loader, options.promotions
        self._shadow, self._first_shadow = shadow, options.shadow
        settings = options.settings
        watch = FolderWatch(self._folders, options.known_files, settle_s=settings.settle_s)
        self._watch = watch if settings.watch else None
        self._counts = _Counts(refusal=options.refusal)
        self._turn, self._asked = asyncio.Lock(), asyncio.Event()

    def _folders(self) -> tuple[Path, ...]:
        choices = (self._promotions.live, self._shadow.choice)
        cascades = [folder for one in choices if one is not None for folder in one.folders(self._loader.home)]
        return (*cascades, *self._loader.novelty_folders)

    @property
    def status(self) -> ReloadStatus:
        counts = self._counts
        return ReloadStatus(
            loading=self._turn.locked(),
            count=counts.taken,
            refused=counts.refused,
            last=counts.last,
            promoted=self._promotions.before() is not None,
            kept=self._promotions.is_kept,
            previous=self._promotions.previous_bundles,
            refusal=counts.refusal,
        )

    def ask(self) -> None:
        """Reload soon: for a signal handler."""
        self._asked.set()

    async def run(self) -> None:
        """Start the shadow of the settings; then reload when asked and when folders change, until cancelled. What is
        refused is logged."""
        if (first_shadow := self._first_shadow) is not None:
            with suppress(TidzamError):
                await self.start_shadow(lambda: first_shadow)
        while True:
            changed = asyncio.Event().wait() if self._watch is None else self._watch.changed()
            await first_completed(self._asked.wait(), changed)
            self._asked.clear()
            try:
                await self.reload()
            except TidzamError:
                pass  # it is logged, and part of the health
            except Exception:  # a fault of a reload must not end the analyzer
                log.exception("the reload failed")

    async def reload(self) -> ReloadAnswer:
        """Load the classifiers again, and let them take over if they differ from the live ones; and so the shadow's.

        Raises TidzamError with the reason if they cannot be used; the old ones continue.
        """
        async with self._turn:
            files = None if self._watch is None else await self._watch.look()
            changed, refusal = False, None
            try:
                changed = await self._reload()
            except TidzamError as error:
                refusal = error
            await self._shadow.reload(self._live.pipeline)
            if self._watch is not None and files is not None:
                self._watch.accept(files)
            if refusal is not None:
                raise refusal
            return self._answer(changed=changed)

    @property
    def live_choice(self) -> CascadeChoice:
        """Which bundles are live."""
        return self._promotions.live

    async def start_shadow(self, choose: Callable[[], CascadeChoice]) -> ShadowStatus:
        """Compare a cascade with the live one. `choose` is called when nothing else changes the live one.

        Raises TidzamError if it cannot be used, and what `choose` raises.
        """
        async with self._turn:
            choice = choose()
            try:
                return await self._shadow.start(choice, self._live.pipeline)
            except TidzamError as error:
                log.error("the shadow is refused: %s", error)
                raise

    async def stop_shadow(self) -> None:
        """End the shadow, if there is one."""
        async with self._turn:
            await self._shadow.stop()

    async def promote(self, choose: Callable[[], CascadeChoice] | None = None) -> ReloadAnswer:
        """Let another cascade take over; by default that of the shadow, which ends. `choose` is called when nothing
        else changes the live one.

        Raises what `choose` raises, NodeError if there is no shadow, or it hangs, and the errors of `CascadeLoader` and
        of `LiveCascade.replace`; then the live classifiers continue, and the shadow goes on.
        """
        async with self._turn:
            before = self._live.pipeline.bundle_versions
            if choose is None:
                choice, pipeline = await self._promote_shadow()
            else:
                choice = choose()
                pipeline = await self._take_over(choice)
            self._promotions.promoted(choice, pipeline.bundle_versions, before=before)
            if self._shadow.choice == choice:
                await self._shadow.stop()
            return await self._changed_to(pipeline)

    async def roll_back(self, promotions: int = 1) -> ReloadAnswer:
        """Let the classifiers that ran before the last so many `promotions` take over again.

        Raises NodeError (`no_promotion`) if there were fewer, and the errors of `CascadeLoader.load` and of
        `LiveCascade.replace`; then the live classifiers continue.
        """
        async with self._turn:
            choice = self._promotions.before(promotions)
            if choice is None:
                message = (
                    "Nothing was promoted." if promotions == 1 else f"There are fewer promotions than {promotions}."
                )
                raise NodeError(message, hint="See what ran before.", code="no_promotion")
            pipeline = await self._take_over(choice)
            self._promotions.rolled_back(pipeline.bundle_versions, promotions)
            return await self._changed_to(pipeline)

    async def _promote_shadow(self) -> tuple[CascadeChoice, Pipeline]:
        choice, pipeline = self._shadow.choice, await self._shadow.taken()
        assert choice is not None
        try:
            pipeline = (await self._loader.reopened(pipeline, choice)).beside(self._live.pipeline.novelty)
            await self._live.replace(pipeline)
        except TidzamError as error:
            self._refused(error)
            with suppress(TidzamError):
                await self._shadow.start(choice, self._live.pipeline)
            raise
        return choice, pipeline

    async def _take_over(self, choice: CascadeChoice) -> Pipeline:
        """Load the cascade of `choice`, and let it take over."""
        try:
            pipeline = await self._loader.load(choice)
            assert pipeline is not None
            await self._live.replace(pipeline)
        except TidzamError as error:
            self._refused(error)
            raise
        return pipeline

    async def _changed_to(self, pipeline: Pipeline) -> ReloadAnswer:
        self._took_over(pipeline)
        await self._shadow.reload(pipeline)
        return self._answer(changed=True)

    def _answer(self, *, changed: bool) -> ReloadAnswer:
        identity, shadow = self._live.pipeline.identity, self._shadow.status
        return ReloadAnswer(
            classifiers=identity.classifiers,
            bundles=dict(identity.versions),
            changed=changed,
            shadow={} if shadow is None else shadow.bundles,
        )

    async def _reload(self) -> bool:
        try:
            pipeline = await self._loader.load(self._promotions.live, live=self._live.pipeline.bundle_versions)
            if pipeline is not None:
                await self._live.replace(pipeline)
        except TidzamError as error:
            self._refused(error)
            raise
        if pipeline is None:
            self._counts = replace(self._counts, refusal=None)
            log.info("the classifiers are unchanged")
            return False
        self._took_over(pipeline)
        return True

    def _took_over(self, pipeline: Pipeline) -> None:
        counts = self._counts
        self._counts = replace(counts, taken=counts.taken + 1, last=datetime.now(UTC), refusal=None)
        versions = ", ".join(f"{name} {version}" for name, version in pipeline.bundle_versions.items())
        log.info("new classifiers have taken over: %s", versions)

    def _refused(self, error: TidzamError) -> None:
        self._counts = replace(self._counts, refused=self._counts.refused + 1, refusal=str(error))
        log.error("the new classifiers are refused, and the old ones continue: %s", error)
