"""Cropping windows from feature sequences."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.random import Generator
from pydantic import Field

from tidzam.types import Float32
from trainer.data.augmentation.base import AugmentationStep, AugmentContext, Share
from trainer.data.source import Batch
from trainer.data.spectrogram_ops import cut, resized

LOUD_DB = 30.0
"""Frames up to this much below the loudest frame count as loud."""
DRAWS = 10


class Crop(AugmentationStep):
    """A window from a random position. It may reach beyond either end of the clip, where it is filled with silence.

    Only allowed as the first augmentation.
    """

    step: Literal["crop"] = "crop"
    inside: Annotated[
        float,
        Field(
            gt=0, le=1, description="Minimum share of the window that comes from the clip, or all of a shorter clip."
        ),
    ] = 0.5
    stretch: Annotated[
        float,
        Field(ge=0, lt=1, description="Time stretching: a window is taken up to this share longer or shorter."),
    ] = 0.0
    sounding: Annotated[
        Share,
        Field(
            description="The position is drawn up to 10 more times until this share of the window (or half of all loud "
            "frames) is within 30 dB of the clip's loudest frame."
        ),
    ] = 0.0

    def window(self, rng: Generator, sequence: Float32, frames: int, floor_db: float) -> Float32:
        """A window of `sequence`, shape (any, mels): shape (frames, mels)."""
        taken = frames
        if self.stretch:
            taken = max(1, round(frames * rng.uniform(1 - self.stretch, 1 + self.stretch)))
        kept = min(len(sequence), max(1, int(self.inside * taken)))
        start = self._start(rng, sequence, taken, kept)
        return resized(cut(sequence, start, taken, floor_db), frames)

    def _start(self, rng: Generator, sequence: Float32, taken: int, kept: int) -> int:
        start = int(rng.integers(kept - taken, len(sequence) - kept + 1))
        if self.sounding:
            level = sequence.max(axis=1)
            loud = np.cumsum([0, *(level > level.max() - LOUD_DB)])
            wanted = min(self.sounding * taken, loud[-1] / 2)
            for _ in range(DRAWS):
                first, last = np.clip((start, start + taken), 0, len(sequence))
                if loud[last] - loud[first] >= wanted:
                    break
                start = int(rng.integers(kept - taken, len(sequence) - kept + 1))
        return start

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        frames = batch.features.shape[1]
        windows = [self.window(rng, sequence, frames, context.floor_db) for sequence in batch.features]
        return batch._replace(features=np.stack(windows))
