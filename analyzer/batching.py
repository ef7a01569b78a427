"""Analysis of the windows of a file on all cores, in steps of bounded size."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import chain, islice
from typing import Final

from analyzer.pipeline import Pipeline
from tidzam.denormals import flush_denormals
from tidzam.results import Analysis, WindowBatch

_STEP_WINDOWS: Final = 64
_STEP_SAMPLES: Final = 1 << 22
"""The maximum number of windows in one step, and of samples in all of them."""

Analyzed = tuple[WindowBatch, tuple[Analysis, ...]]


def analyze_batches(
    pipeline: Pipeline, batches: Iterator[WindowBatch], *, cores: int | None = None
) -> Generator[Analyzed]:
    """The analyses of each batch, in order. Several are analyzed in one step, and a step runs on each of `cores`.

    Without `cores`, all of the machine are used.

    Holds at most two steps more than there are cores in memory, fewer if they are large, however long the file is.
    """
    cores = cores or os.cpu_count() or 1
    steps: deque[tuple[list[WindowBatch], Future[list[tuple[Analysis, ...]]]]] = deque()
    with ThreadPoolExecutor(cores, "analysis", initializer=flush_denormals) as pool:
        for step in _steps(batches):
            steps.append((step, pool.submit(_analyze, pipeline, step)))
            if len(steps) > min(cores, 2 * _STEP_SAMPLES // step[0].samples.size):
                yield from _results(*steps.popleft())
        while steps:
            yield from _results(*steps.popleft())


def _analyze(pipeline: Pipeline, step: list[WindowBatch]) -> list[tuple[Analysis, ...]]:
    """Analyze a step, at most _STEP_WINDOWS channels at a time."""
    if len(step[0].channels) <= _STEP_WINDOWS:
        return pipeline.analyze_all(step)
    return [analyze_in_slices(pipeline.analyze, batch, windows=_STEP_WINDOWS) for batch in step]


def analyze_in_slices(
    analyze: Callable[[WindowBatch], tuple[Analysis, ...]], batch: WindowBatch, *, windows: int
) -> tuple[Analysis, ...]:
    """The analyses of a batch, at most `windows` of its channels at a time: the memory of a network grows with the
    number of windows that it runs on."""
    count = len(batch.channels)
    if count <= windows:
        return analyze(batch)
    slices = (slice(first, first + windows) for first in range(0, count, windows))
    return tuple(chain.from_iterable(analyze(_channels(batch, rows)) for rows in slices))


def _channels(batch: WindowBatch, rows: slice) -> WindowBatch:
    return replace(
        batch,
        channels=batch.channels[rows],
        samples=batch.samples[rows],
        starts=batch.starts[rows],
        gap_frames=batch.gap_frames[rows],
        source_rates_hz=batch.source_rates_hz[rows],
    )


def _steps(batches: Iterator[WindowBatch]) -> Iterator[list[WindowBatch]]:
    for first in batches:
        count = min(_STEP_WINDOWS // len(first.channels), _STEP_SAMPLES // first.samples.size)
        yield [first, *islice(batches, max(1, count) - 1)]


def _results(step: list[WindowBatch], work: Future[list[tuple[Analysis, ...]]]) -> Iterator[Analyzed]:
    for batch, analyses in zip(step, work.result(), strict=True):
        yield batch, tuple(_until_end(analysis, batch.rate_hz) for analysis in analyses)


def _until_end(analysis: Analysis, rate_hz: int) -> Analysis:
    """End a window that extends past the end of the file at that end."""
    if not analysis.gap_frames:
        return analysis
    return replace(analysis, end=analysis.end - timedelta(seconds=analysis.gap_frames / rate_hz))
