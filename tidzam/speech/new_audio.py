"""What of each window was not heard before, and which channels have ended: for detectors that keep a state. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tidzam.results import WindowBatch
from tidzam.types import Float32


@dataclass(frozen=True)
class NewAudio:
    """The samples (frames,) of a channel from the frame `start` on that no window before held.

    `begins`: they do not follow on those before.
    """

    channel: str
    start: int
    samples: Float32
    begins: bool


class NewAudioFinder:
    """Follows the windows of all channels."""

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}
        self._start = -1

    def ended(self, batch: WindowBatch) -> list[str]:
        """The channels whose audio does not go on with `batch`. Called before `follow`."""
        start = batch.start_frame
        if batch.channels and start <= self._start:
            gone = list(self._ends)
        else:
            gone = [name for name, end in self._ends.items() if name not in batch.channels or start > end]
        for name in gone:
            del self._ends[name]
        return gone

    def follow(self, batch: WindowBatch) -> Iterator[NewAudio]:
        """The new audio of each channel of `batch`, if there is any."""
        if batch.channels:
            self._start = batch.start_frame
        for row, channel in enumerate(batch.channels):
            known = self._ends.get(channel)
            start = batch.start_frame if known is None else known
            end = batch.start_frame + batch.samples.shape[1]
            if end > start:
                self._ends[channel] = end
                yield NewAudio(channel, start, batch.samples[row, start - batch.start_frame :], known is None)
