"""Analysis of the windows of a file on all cores, in steps of bounded size."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import chain, islice
from typing import Final

from analyzer.pipeline import Pipeline
from tidzam.ahead import ahead
from tidzam.denormals import flush_denormals
from tidzam.inference.longer_windows import Handover
from tidzam.results import Analysis, WindowBatch

STEP_WINDOWS: Final = 64
_STEP_SAMPLES: Final = 1 << 22
"""The maximum number of windows in one step, by default, and of samples in all of them."""

Analyzed = tuple[WindowBatch, tuple[Analysis, ...]]
Parts = Future[list[tuple[Analysis, ...]]]


def analyze_batches(
    pipeline: Pipeline,
    batches: Iterator[WindowBatch],
    *,
    cores: int | None = None,
    at_once: int = STEP_WINDOWS,
) -> Generator[Analyzed]:
    """The analyses of each batch, in order. Several are analyzed in one step, and a step runs on each of `cores`.

    A step has `at_once` windows at most, or one batch. Without `cores`, all of the machine are used. `batches` are
    computed ahead, in a thread of their own: a file is decoded while its windows are analyzed.

    Holds at most five steps more than there are cores in memory, fewer if they are large, however long the file is.
    """
    cores = cores or os.cpu_count() or 1
    steps: deque[tuple[list[WindowBatch], list[Parts]]] = deque()
    left: dict[int, Handover] = {}
    with (
        ThreadPoolExecutor(cores, "analysis", initializer=flush_denormals) as pool,
        closing(ahead(_steps(batches, at_once), count=2, name="decoding")) as decoded,
    ):
        for step in decoded:
            steps.append((step, _submitted(pool, pipeline, step, left)))
            if len(steps) > min(cores + 1, 2 * _STEP_SAMPLES // _size(step[0])):
                yield from _results(*steps.popleft())
        while steps:
            yield from _results(*steps.popleft())


def _submitted(pool: Executor, pipeline: Pipeline, step: list[WindowBatch], left: dict[int, Handover]) -> list[Parts]:
    """The analysis of a step under way, at most STEP_WINDOWS channels at a time.

    `left` is what the step before leaves for each part of the channels; it is replaced by what this one leaves.
    """
    parts = []
    for number, part in enumerate(_parts(step)):
        before, after = left.get(number), pipeline.cascade.handover()
        parts.append(pool.submit(pipeline.analyze_all, part, before=before, after=after))
        left[number] = after
    return parts


def _parts(step: list[WindowBatch]) -> list[list[WindowBatch]]:
    """A step, or the slices of the batch that it consists of."""
    if len(step[0].channels) <= STEP_WINDOWS:
        return [step]
    return [[batch.rows(rows)] for batch in step for rows in _slices(len(batch.channels), STEP_WINDOWS)]


def analyze_in_slices(
    analyze: Callable[[WindowBatch], tuple[Analysis, ...]], batch: WindowBatch, *, windows: int
) -> tuple[Analysis, ...]:
    """The analyses of a batch, at most `windows` of its channels at a time: the memory of a network grows with the
    number of windows that it runs on."""
    count = len(batch.channels)
    if count <= windows:
        return analyze(batch)
    return tuple(chain.from_iterable(analyze(batch.rows(rows)) for rows in _slices(count, windows)))


def _slices(count: int, size: int) -> list[slice]:
    return [slice(first, first + size) for first in range(0, count, size)]


def _size(batch: WindowBatch) -> int:
    """The samples that a batch holds."""
    return (batch.samples if batch.context is None else batch.context).size


def _steps(batches: Iterator[WindowBatch], at_once: int) -> Generator[list[WindowBatch]]:
    for first in batches:
        count = min(at_once // len(first.channels), _STEP_SAMPLES // _size(first))
        yield [first, *islice(batches, max(1, count) - 1)]


def _results(step: list[WindowBatch], parts: list[Parts]) -> Iterator[Analyzed]:
    found = [part.result() for part in parts]
    for number, batch in enumerate(step):
        analyses = chain.from_iterable(part[number] for part in found)
        yield batch.without_context(), tuple(_until_end(analysis, batch.rate_hz) for analysis in analyses)


def _until_end(analysis: Analysis, rate_hz: int) -> Analysis:
    """End a window that extends past the end of the file at that end."""
    if not analysis.gap_frames:
        return analysis
    return replace(analysis, end=analysis.end - timedelta(seconds=analysis.gap_frames / rate_hz))
