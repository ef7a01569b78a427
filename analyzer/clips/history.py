"""The audio of the last windows, from which clips are cut."""

from __future__ import annotations

from collections import deque

import numpy as np

from tidzam.results import WindowBatch
from tidzam.types import Float32


class AudioHistory:
    """Holds the windows that were delivered, without copying them, as long as clips may need them.

    Frames are those of the batches. When they begin again, after a restart of the JACK server, `epoch` grows, and the
    audio before is gone.
    """

    def __init__(self) -> None:
        self._batches: deque[WindowBatch] = deque()
        self.epoch = 0

    @property
    def end(self) -> int:
        """The frame after the last one held."""
        return _end(self._batches[-1]) if self._batches else 0

    def add(self, batch: WindowBatch) -> None:
        """Append a batch. One without channels is left out."""
        if not batch.channels:
            return
        if self._batches and batch.start_frame <= self._batches[-1].start_frame:
            self._batches.clear()
            self.epoch += 1
        self._batches.append(batch)

    def forget(self, before_frame: int) -> None:
        """Release what ends at or before a frame; the last batch stays."""
        while len(self._batches) > 1 and _end(self._batches[0]) <= before_frame:
            self._batches.popleft()

    def cut(self, channel: str, start: int, end: int) -> Float32 | None:
        """The samples (end - start,) of a channel; None if some of them are missing."""
        samples, until = np.empty(end - start, np.float32), start
        for batch in self._batches:
            if channel in batch.channels and batch.start_frame <= until < _end(batch):
                upto = min(end, _end(batch))
                row = batch.samples[batch.channels.index(channel)]
                samples[until - start : upto - start] = row[until - batch.start_frame : upto - batch.start_frame]
                until = upto
            if until == end:
                return samples
        return None


def _end(batch: WindowBatch) -> int:
    return batch.start_frame + int(batch.samples.shape[1])
