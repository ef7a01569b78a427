"""Processes of their own that analyze windows: threads of one process wait for one another's Python code."""

from __future__ import annotations

import gc
import logging
import mmap
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Self

import numpy as np

from analyzer.pipeline import Pipeline, PipelineRecipe
from tidzam.allocator import keep_freed_memory
from tidzam.denormals import flush_denormals
from tidzam.inference.output_check import OutputErrors
from tidzam.parallel import begin_worker
from tidzam.results import Analysis, WindowBatch
from tidzam.types import Float32

log = logging.getLogger(__name__)

Analyses = list[tuple[Analysis, ...]]

_NO_SAMPLES: Final = np.empty((0, 0), np.float32)
_MOST_MAPS: Final = 64


class AnalysisProcesses:
    """Analyzes windows as `pipeline` does, in processes that load its networks for themselves.

    They take windows once they have loaded them: nothing waits for that. When one of them has died, `pipeline` itself
    analyzes what they had, and they are not used any more.
    """

    def __init__(self, pipeline: Pipeline, recipe: PipelineRecipe, *, processes: int) -> None:
        """`recipe` is that of `pipeline`, which has no windows of several lengths: their steps wait for one another."""
        context = multiprocessing.get_context("spawn")
        self.pipeline = pipeline
        self._pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(recipe,))
        self._loading = [self._pool.submit(_load) for _ in range(processes)]
        self._made: list[SharedSamples] = []
        self._free: list[SharedSamples] = []
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes, after what they are working on."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for shared in self._made:
            shared.close()

    @property
    def are_ready(self) -> bool:
        """Whether they take windows now."""
        if not self._is_over and all(future.done() for future in self._loading):
            for future in self._loading:
                if (fault := future.exception()) is not None:
                    self.give_up(fault)
            self._loading = []
        return not (self._is_over or self._loading)

    def give_up(self, fault: BaseException) -> None:
        """Take no more windows."""
        if not self._is_over:
            log.warning("analysis continues in one process; another one failed: %s", fault or type(fault).__name__)
        self._is_over = True

    def submit(self, batches: Sequence[WindowBatch]) -> PendingAnalyses:
        """The analyses of batches of one rate, under way."""
        shared = self._memory(sum(batch.samples.size for batch in batches))
        shared.fill([batch.samples for batch in batches])
        bare = tuple(replace(batch, samples=_NO_SAMPLES) for batch in batches)
        task = AnalysisTask(bare, batches[0].samples.shape[1], shared.path, shared.size)
        return PendingAnalyses(self, tuple(batches), self._submitted(task), shared)

    def _submitted(self, task: AnalysisTask) -> Future[tuple[Analyses, Mapping[str, OutputErrors]]]:
        try:
            return self._pool.submit(_analyze, task)
        except BrokenProcessPool as fault:  # one of them has died since the last result
            failed: Future[tuple[Analyses, Mapping[str, OutputErrors]]] = Future()
            failed.set_exception(fault)
            return failed

    def _memory(self, size: int) -> SharedSamples:
        shared = next((one for one in self._free if one.size >= size), None)
        if shared is None:
            shared = SharedSamples(size)
            self._made.append(shared)
        else:
            self._free.remove(shared)
        return shared

    def release(self, shared: SharedSamples) -> None:
        """Use this memory for other windows."""
        self._free.append(shared)


class SharedSamples:
    """Memory for `size` samples, which other processes of this user map by its `path`. It is gone with this process."""

    def __init__(self, size: int) -> None:
        """Raises OSError if memory runs out."""
        self.size = size
        self._fd = os.memfd_create("tidzam-windows", os.MFD_CLOEXEC)
        os.ftruncate(self._fd, 4 * size)
        self._map = mmap.mmap(self._fd, 4 * size)
        self._values: Float32 = np.frombuffer(self._map, np.float32)
        self.path = f"/proc/{os.getpid()}/fd/{self._fd}"

    def fill(self, arrays: Sequence[Float32]) -> None:
        """Write arrays, one after the other."""
        np.concatenate([array.ravel() for array in arrays], out=self._values[: sum(array.size for array in arrays)])

    def close(self) -> None:
        del self._values
        self._map.close()
        os.close(self._fd)


@dataclass(frozen=True)
class AnalysisTask:
    """Batches without their samples, which are in shared memory: `size` samples at `path`, windows of `frames` frames,
    one after the other."""

    batches: tuple[WindowBatch, ...]
    frames: int
    path: str
    size: int

    def windows(self) -> list[WindowBatch]:
        """The batches with their samples, which are views."""
        samples = _mapped(self.path, self.size)
        found, first = [], 0
        for batch in self.batches:
            count = len(batch.channels) * self.frames
            rows = samples[first : first + count].reshape(-1, self.frames)
            found.append(replace(batch, samples=rows))
            first += count
        return found


@dataclass(frozen=True)
class PendingAnalyses:
    """Analyses that another process makes."""

    processes: AnalysisProcesses
    batches: tuple[WindowBatch, ...]
    future: Future[tuple[Analyses, Mapping[str, OutputErrors]]]
    shared: SharedSamples

    def result(self) -> Analyses:
        """The analyses of each batch. If the process failed, they are made here; raises what `analyze_all` raises."""
        pipeline = self.processes.pipeline
        try:
            analyses, errors = self.future.result()
        except Exception as fault:  # noqa: BLE001  whatever it was: if it is the windows' fault, it is raised again here
            self.processes.give_up(fault)
            return pipeline.analyze_all(self.batches)
        finally:
            self.processes.release(self.shared)
        pipeline.cascade.output_check.add(errors)
        return analyses


_recipe: PipelineRecipe | None = None
"""In one of the processes: that of its pipeline."""


def _begin(recipe: PipelineRecipe) -> None:
    global _recipe
    _recipe = recipe
    begin_worker()
    flush_denormals()
    keep_freed_memory()
    logging.getLogger().addHandler(logging.NullHandler())  # the first process says it


def _load() -> None:
    """Load the pipeline. Raises what loading it raises."""
    _pipeline()
    gc.freeze()


@cache
def _pipeline() -> Pipeline:
    assert _recipe is not None
    return _recipe.make()


@lru_cache(_MOST_MAPS)
def _mapped(path: str, size: int) -> Float32:
    with Path(path).open("rb") as file:
        found: Float32 = np.frombuffer(mmap.mmap(file.fileno(), 4 * size, access=mmap.ACCESS_READ), np.float32)
    return found


def _analyze(task: AnalysisTask) -> tuple[Analyses, Mapping[str, OutputErrors]]:
    pipeline = _pipeline()
    return pipeline.analyze_all(task.windows()), pipeline.cascade.output_check.take()
