"""A program whose sink of the store takes detections, to be killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from analyzer.archive.sinks import batch_of
from analyzer.sinks.base import SinkContext
from analyzer.sinks.store import StoreSink
from tests.support.batches import LABELS, START
from tidzam.config.store import StoreSettings, StoreSinkSettings
from tidzam.results import AnalyzedBatch, Detection, DetectionChange

STEP = 50
"""Detections in one delivery."""


def detection_number(number: int) -> Detection:
    """One of several classes and channels, 7 s after the one before."""
    label, start = ("birds", "birds-wren", "frogs")[number % 3], START + timedelta(seconds=7 * number)
    return Detection(
        id=f"garden/{number}",
        channel=f"pond:out_{number % 4}",
        label=label,
        path=LABELS.path(label),
        start=start,
        end=start + timedelta(seconds=2),
        peak_probability=0.9,
        mean_probability=0.8,
        windows=2,
    )


def batch(numbers: range) -> AnalyzedBatch:
    """A batch in which these detections start and end."""
    found = [detection_number(number) for number in numbers]
    starts = tuple(DetectionChange("start", replace(one, windows=1)) for one in found)
    ended = batch_of(found)
    return replace(ended, detections=(*starts, *ended.detections))


async def feed(settings: StoreSettings, home: Path, first: int, last: int, say: Callable[[int], None]) -> None:
    """Deliver the detections `first` to `last`, each as a start and an end; `say` how many the sink has taken."""
    sink = StoreSink(StoreSinkSettings(), SinkContext(node="garden", labels=LABELS, home=home, store=settings))
    await sink.open()
    for number in range(first, last, STEP):
        await sink.deliver(batch(range(number, min(last, number + STEP))))
        say(number + STEP)
    await sink.close()


class Feeder:
    """Programs that feed detections into a store, one after the other. `taken` is how many the sinks have taken."""

    def __init__(self, settings: StoreSettings, home: Path) -> None:
        self._settings, self._home = settings, home
        self.taken = 0

    @contextmanager
    def started(self, last: int) -> Iterator[Iterator[int]]:
        """A program that feeds up to a detection; it says how far it has come. On leaving, it is killed if it has not
        ended."""
        context = get_context("fork")  # quick: everything is imported already
        mine, its = context.Pipe(duplex=False)
        process = context.Process(target=self._feed, args=(last, its), daemon=True)
        process.start()
        its.close()
        try:
            yield self._progress(mine)
        finally:
            process.kill()
            process.join()

    def _feed(self, last: int, pipe: Connection) -> None:
        asyncio.run(feed(self._settings, self._home, self.taken, last, pipe.send))

    def _progress(self, pipe: Connection) -> Iterator[int]:
        """How many the sink has taken, until the program ends."""
        with suppress(EOFError):
            while True:
                self.taken = pipe.recv()
                yield self.taken

    def run(self, last: int, *, killed_at: int | None = None) -> None:
        """Feed up to a detection, or be killed when the sink has taken as many as that."""
        with self.started(last) as progress:
            for taken in progress:
                if killed_at is not None and taken >= killed_at:
                    break
