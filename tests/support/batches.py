"""Batches of results as the analyzer passes them to its sinks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from tidzam.inference.tracker import DetectionTracker
from tidzam.labels import LabelTree
from tidzam.results import Analysis, AnalyzedBatch, WindowBatch

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
LABELS = LabelTree({"birds": None, "birds-wren": "birds", "frogs": None})
RATE_HZ = 8000


class Batches:
    """Makes consecutive batches of windows of one second, and their detections."""

    def __init__(self, node: str = "garden") -> None:
        self._tracker = DetectionTracker(LABELS, node=node)

    def batch(self, number: int, **results: str) -> AnalyzedBatch:
        """The window `number` of each channel (named as `pond_0` for `pond:out_0`) with its class."""
        start = START + timedelta(seconds=number)
        channels = tuple(channel.replace("_", ":out_") for channel in results)
        count = len(channels)
        samples = np.full((count, RATE_HZ), 0.1, np.float32)
        batch = WindowBatch(channels, samples, RATE_HZ, number * RATE_HZ, (start,) * count, (0,) * count)
        analyses = tuple(
            Analysis(channel, start, start + timedelta(seconds=1), number * RATE_HZ, (label,), {label: 0.9}, -20.0, 0)
            for channel, label in zip(channels, results.values(), strict=True)
        )
        return self._tracker.follow(batch, analyses)

    def last(self) -> AnalyzedBatch:
        """The batch after the last window, which ends all detections."""
        return self._tracker.last_batch()
