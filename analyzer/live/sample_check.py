"""Live samples that are no audio (NaN, infinite, far beyond full scale) are silence to all stages, and counted."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np

from tidzam.audio.sanitize import sanitize
from tidzam.results import WindowBatch
from tidzam.text import plural

log = logging.getLogger(__name__)


class SampleCheck:
    """Cleans batches, in their order. `replaced` counts the samples that were replaced since the start, and `channels`
    are those on which there were some in the last batch. JACK carries any float, and a plug-in may emit any.
    """

    def __init__(self) -> None:
        self.replaced = 0
        self.channels: frozenset[str] = frozenset()
        self._warned = set[str]()

    def cleaned(self, batch: WindowBatch) -> WindowBatch:
        """`batch` with zeros in place of such samples. All others stay as they are."""
        sound = batch.samples if batch.context is None else batch.context
        clean, count = sanitize(sound)
        if not count:
            self.channels = frozenset()
            return batch
        frames = batch.samples.shape[1]
        wrong = clean != sound  # not a number is unequal to itself
        self._note(batch, wrong)
        context = None if batch.context is None else clean
        replaced = tuple(wrong.any(axis=1).tolist())
        return replace(batch, samples=clean[:, -frames:], context=context, replaced=replaced)

    def _note(self, batch: WindowBatch, wrong: np.ndarray) -> None:
        """Count the samples that no batch before held, and warn of a channel once."""
        new = wrong[:, -(batch.hop_frames or batch.samples.shape[1]) :].sum(axis=1)
        self.replaced += int(new.sum())
        self.channels = frozenset(name for name, row in zip(batch.channels, wrong, strict=True) if row.any())
        for name in self.channels - self._warned:
            log.warning("%s carries samples that are no audio; they are replaced with silence", name)
        self._warned |= self.channels

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence about the channels at present."""
        if not self.channels:
            return ()
        which = ", ".join(sorted(self.channels))
        return (
            f"{which} carries samples that are no audio (not finite, or far beyond full scale): "
            f"{plural(self.replaced, 'sample')} so far were replaced with silence.",
        )
