"""The cascade that is live, and how another takes its place between two windows."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import Protocol

from analyzer.live.runner import TAKE_OVER_S, LiveAnalysis
from analyzer.pipeline import Pipeline
from tidzam.errors import NodeError


class CascadeStages(Protocol):
    """The stages after a pipeline."""

    def use(self, pipeline: Pipeline) -> None:
        """Follow another pipeline from the next batch on. Raises TidzamError, and changes nothing, if that fails."""


class LiveCascade:
    """The pipeline that analyzes. `on_change` is called with a pipeline that has taken over."""

    def __init__(
        self,
        pipeline: Pipeline,
        analysis: LiveAnalysis,
        stages: CascadeStages,
        on_change: Callable[[Pipeline], Awaitable[None]],
    ) -> None:
        self.pipeline = pipeline
        self._analysis, self._stages, self._on_change = analysis, stages, on_change

    async def replace(self, pipeline: Pipeline) -> None:
        """Let another pipeline take over, and free the memory of the old one.

        Raises the errors of `LiveAnalysis.replace` and of the stages, and NodeError (`analysis_busy`) if the analysis
        of a window does not come to an end; then the old one stays.
        """
        try:
            await self._analysis.replace(pipeline, lambda: self._stages.use(pipeline))
        except TimeoutError:
            raise analysis_busy() from None
        self.pipeline = pipeline
        await self._on_change(pipeline)
        freeze_memory()


def analysis_busy() -> NodeError:
    """The analysis of a window does not come to an end, so that nothing can be changed between two of them."""
    return NodeError(
        f"Nothing can take over: the analysis of a window has taken over {TAKE_OVER_S:.0f} s.",
        hint="Restart the analyzer.",
        code="analysis_busy",
    )


def freeze_memory() -> None:
    """Free what nothing refers to, and exempt what is left from further collections: each would stop the program for a
    tenth of a second, since models are large."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
