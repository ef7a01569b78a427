"""The analysis of the channels of a batch, some at a time."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from analyzer.batching import analyze_in_slices
from tests.support.pitch_pipeline import PitchPipeline
from tidzam.results import Analysis, WindowBatch

RATE_HZ = 48000
FRAMES = 12000


def batch_of(channels: int) -> WindowBatch:
    """Channel i is a tone of 400 + 40 i Hz."""
    tones = 400 + 40 * np.arange(channels)[:, None]
    samples = np.sin(2 * np.pi * tones * np.arange(FRAMES) / RATE_HZ).astype(np.float32)
    return WindowBatch(
        channels=tuple(f"pond:out_{number}" for number in range(channels)),
        samples=samples,
        rate_hz=RATE_HZ,
        start_frame=0,
        starts=(datetime(2026, 5, 1, tzinfo=UTC),) * channels,
        gap_frames=tuple(range(channels)),
    )


@pytest.mark.parametrize("channels", [0, 1, 16, 17, 40])
def test_slices_of_a_batch_give_the_analyses_of_the_whole(channels: int) -> None:
    batch, pipeline = batch_of(channels), PitchPipeline()
    assert analyze_in_slices(pipeline.analyze, batch, windows=16) == pipeline.analyze(batch)


def test_no_slice_is_larger_than_asked_for() -> None:
    sizes: list[int] = []

    def analyze(batch: WindowBatch) -> tuple[Analysis, ...]:
        sizes.append(len(batch.channels))
        return PitchPipeline().analyze(batch)

    analyze_in_slices(analyze, batch_of(40), windows=16)
    assert sizes == [16, 16, 8]
