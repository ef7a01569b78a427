"""A shadow cascade: it analyzes the live windows, too, in a thread of its own, and is compared with the live one."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from analyzer.batching import analyze_in_slices
from analyzer.classifiers.shadow_comparison import ShadowComparison
from analyzer.detections import DetectionStages
from analyzer.live.thread_priority import BACKGROUND_NICE, lower_priority
from analyzer.pipeline import Pipeline
from tidzam.denormals import flush_denormals
from tidzam.inference.engines import first_line
from tidzam.protocol.shadow import ShadowState, ShadowStatus
from tidzam.results import AnalyzedBatch, WindowBatch

log = logging.getLogger(__name__)

_WAITING: Final = 2
"""Steps of windows that wait at most; they hold the audio of all channels."""
_SLICE: Final = 16
HANGS_AFTER_S: Final = 20.0
"""For so long, a step may take."""


@dataclass(frozen=True)
class _ShadowStep:
    """The windows of all channels at one time, and what the live cascade made of them."""

    batch: WindowBatch
    live: AnalyzedBatch
    jumped: frozenset[str]


class ShadowCascade:
    """Runs a pipeline on the steps that it sees, and compares the results. Nothing that it does reaches the live one.

    Steps that come while others wait are dropped and counted. What the pipeline raises is counted; networks that hang
    keep their thread, which does not keep the program from ending. `on_batch` receives each result in that thread.
    """

    def __init__(self, pipeline: Pipeline, stages: DetectionStages, on_batch: Callable[[AnalyzedBatch], None]) -> None:
        self.pipeline = pipeline
        self._stages, self._on_batch = stages, on_batch
        self._steps: queue.Queue[_ShadowStep] = queue.Queue(_WAITING)
        self._lock = threading.Lock()
        """Guards the comparison, which the thread changes and others read."""
        self._comparison: ShadowComparison | None = None
        self._dropped = self._errors = 0
        self._error: str | None = None
        self._busy_since_s: float | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    @property
    def longest_window_s(self) -> float:
        return self.pipeline.longest_window_s

    def see(self, batch: WindowBatch, live: AnalyzedBatch, *, jumped: frozenset[str]) -> None:
        """Take a step, or drop it. Never waits; it is called in the thread of the live analysis."""
        try:
            self._steps.put_nowait(_ShadowStep(batch, live, jumped))
        except queue.Full:
            self._dropped += len(batch.channels)

    def end(self, timeout_s: float = 0.0) -> bool:
        """End it after the step in progress. Waits for at most `timeout_s`; returns whether it has ended."""
        self._ending.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def status(self) -> ShadowStatus:
        """How it does, and how it differs from the live cascade."""
        state, fault = self._state()
        with self._lock:
            comparison = self._comparison
            if comparison is None:
                identity = self.pipeline.identity
                return ShadowStatus(
                    state=state,
                    classifiers=identity.classifiers,
                    bundles=dict(identity.versions),
                    dropped=self._dropped,
                    errors=self._errors,
                    fault=fault,
                )
            return comparison.status(state, dropped=self._dropped, errors=self._errors, fault=fault)

    def _state(self) -> tuple[ShadowState, str | None]:
        since_s = self._busy_since_s
        if since_s is not None and (busy_s := time.monotonic() - since_s) > HANGS_AFTER_S:
            return "hangs", f"A network has not come to an end for {busy_s:.0f} s."
        failing = tuple(self.pipeline.failing.values())
        return "running", self._error or (failing[0] if failing else None)

    def _run(self) -> None:
        lower_priority(BACKGROUND_NICE)
        flush_denormals()
        while not self._ending.is_set():
            with suppress(queue.Empty):
                step = self._steps.get(timeout=0.5)
                self._busy_since_s = time.monotonic()
                self._contained(step)
                del step  # it holds the audio of all channels
                self._busy_since_s = None

    def _contained(self, step: _ShadowStep) -> None:
        try:
            self._analyze(step)
            self._error = None
        except Exception as error:  # a model under trial may fail in any way; the live one continues
            if self._error is None:
                log.exception("the shadow cascade failed on %d windows", len(step.batch.channels))
            self._errors += len(step.batch.channels)
            self._error = f"It failed: {first_line(error)}"

    def _analyze(self, step: _ShadowStep) -> None:
        analyses = analyze_in_slices(self.pipeline.analyze, step.batch, windows=_SLICE)
        analyzed = self._stages.follow(step.batch.without_context(), analyses, jumped=step.jumped)
        with self._lock:
            live = step.live.cascade
            if live is not None:
                if self._comparison is None or self._comparison.live is not live:
                    self._comparison = ShadowComparison(live, self.pipeline.identity)
                self._comparison.add(step.live.analyses, analyzed.analyses)
        if not self._ending.is_set():
            self._on_batch(analyzed)
