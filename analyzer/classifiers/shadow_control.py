"""Starting, reloading and ending the shadow cascade of a running analyzer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from analyzer.classifiers.background import in_background
from analyzer.classifiers.live_cascade import analysis_busy
from analyzer.classifiers.loading import CascadeLoader
from analyzer.classifiers.shadow import ShadowCascade
from analyzer.detections import DetectionStages
from analyzer.live.runner import LiveAnalysis
from analyzer.live.thread_priority import BACKGROUND_NICE
from analyzer.pipeline import Pipeline
from tidzam.bundle.choice import CascadeChoice
from tidzam.errors import BundleError, NodeError, TidzamError
from tidzam.inference.decision_policy import DecisionPolicy
from tidzam.protocol.shadow import ShadowStatus
from tidzam.results import AnalyzedBatch

log = logging.getLogger(__name__)

END_S: Final = 10.0
LEAVE_S: Final = 1.0
"""The time for the step in progress, of a shadow that is to be promoted, and of one that is not."""


class ShadowControl:
    """The shadow cascade, if there is one; it runs without novelty bundles. Its methods are called one at a time.

    `on_batch` is called in the event loop with its results; it returns whether their events will be sent. `stages_of`
    makes the stages after a pipeline.
    """

    def __init__(
        self,
        loader: CascadeLoader,
        analysis: LiveAnalysis,
        stages_of: Callable[[Pipeline], DetectionStages],
        on_batch: Callable[[AnalyzedBatch], bool],
    ) -> None:
        self._loader, self._analysis = loader, analysis
        self._stages_of, self._on_batch = stages_of, on_batch
        self._shadow: ShadowCascade | None = None
        self._is_loading, self._refusal, self._unsent = False, "", 0
        self.choice: CascadeChoice | None = None

    @property
    def status(self) -> ShadowStatus | None:
        """How the shadow does; None if there is none."""
        if self.choice is None:
            return None
        if self._is_loading:
            return ShadowStatus(state="loading")
        if self._shadow is None:
            return ShadowStatus(state="refused", fault=self._refusal)
        return self._shadow.status().model_copy(update={"unsent": self._unsent})

    @property
    def policies(self) -> tuple[DecisionPolicy, ...]:
        """What decides on the probabilities of the shadow, if there is one."""
        return () if self._shadow is None else (self._shadow.pipeline.policy,)

    async def start(self, choice: CascadeChoice, live: Pipeline) -> ShadowStatus:
        """Begin to compare the cascade of `choice` with the `live` one, in place of an earlier shadow.

        Raises TidzamError with the reason if it cannot be used; that is then part of the status.
        """
        await self.stop()
        self.choice = choice
        return await self._start(choice, live, None)

    async def reload(self, live: Pipeline) -> None:
        """Load the shadow again if its bundles have changed, or if it was refused. A refusal is part of the status."""
        if self.choice is None:
            return
        known = None if self._shadow is None else self._shadow.pipeline
        try:
            await self._start(self.choice, live, known)
        except TidzamError as error:
            log.error("the shadow is refused: %s", error)

    async def _start(self, choice: CascadeChoice, live: Pipeline, known: Pipeline | None) -> ShadowStatus:
        self._is_loading = known is None
        try:
            versions = None if known is None else known.bundle_versions
            pipeline = await self._loader.load(choice, live=versions, nice=BACKGROUND_NICE, novelty=False)
            _check_window(pipeline or known, live)
            if pipeline is not None:
                await self._end()
                await self._observe(pipeline)
        except Exception as error:
            await self._end()
            self._refusal = str(error)
            raise
        finally:
            self._is_loading = False
        assert self._shadow is not None
        return self._shadow.status()

    async def _observe(self, pipeline: Pipeline) -> None:
        loop = asyncio.get_running_loop()
        shadow = ShadowCascade(
            pipeline, self._stages_of(pipeline), lambda analyzed: _call(loop, partial(self._pass_on, analyzed))
        )
        self._unsent = 0
        try:
            await self._analysis.observe(shadow)
        except TimeoutError:
            shadow.end()
            raise analysis_busy() from None
        except BaseException:
            shadow.end()
            raise
        self._shadow = shadow
        log.info("the shadow is compared with the live classifiers: %s", ", ".join(pipeline.classifiers))

    def _pass_on(self, analyzed: AnalyzedBatch) -> None:
        if not self._on_batch(analyzed):
            self._unsent += len(analyzed.analyses)

    async def stop(self) -> None:
        """End the shadow, if there is one. A network that hangs is not waited for."""
        self.choice = None
        await self._end()

    async def _end(self) -> None:
        shadow, self._shadow = self._shadow, None
        if shadow is not None:
            ended = in_background(lambda: shadow.end(LEAVE_S), name="end")
            with suppress(TimeoutError):  # a live network hangs; the shadow takes no further step all the same
                await self._analysis.observe(None)
            await ended

    async def taken(self) -> Pipeline:
        """End the shadow, and return its pipeline for live use.

        Raises NodeError: `no_shadow` if none is running, `analysis_busy` if the live analysis hangs, `shadow_busy` if
        the shadow does; then it is given up.
        """
        shadow = self._shadow
        if shadow is None:
            raise NodeError("No shadow is running.", hint="Start one: `tidzam models shadow`.", code="no_shadow")
        try:
            await self._analysis.observe(None)
        except TimeoutError:
            raise analysis_busy() from None
        if not await in_background(lambda: shadow.end(END_S), name="end"):
            self._shadow, self._refusal = None, "A network of it did not come to an end."
            raise NodeError(
                "The shadow does not come to an end: one of its networks hangs.",
                hint="The live classifiers continue. Do not use those of the shadow.",
                code="shadow_busy",
            )
        self._shadow = self.choice = None
        return shadow.pipeline


def _check_window(shadow: Pipeline | None, live: Pipeline) -> None:
    """Raises BundleError (`shadow_window`) if a shadow does not analyze the same windows as the live cascade."""
    if shadow is not None and shadow.window_s != live.window_s:
        raise BundleError(
            f"The windows of the shadow last {shadow.window_s:g} s, those of the live classifiers {live.window_s:g} s.",
            hint="Use classifiers with windows of the same length; those of further ones may be longer.",
            code="shadow_window",
        )


def _call(loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
    """Call `work` in the event loop, unless that has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(work)
