"""The folder that the analyzer writes is a data set as it is, pictures and marks included."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.sinks.base import SinkContext
from analyzer.sinks.clips import ClipSink
from tests.support.batches import LABELS, Batches
from tidzam.clips import find_clips
from tidzam.config.clips import ClipRule
from tidzam.config.sinks import ClipSinkSettings


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Three clips with pictures, of which one is marked."""
    pytest.importorskip("matplotlib")
    out, batches = tmp_path / "clips", Batches()
    settings = ClipSinkSettings(folder=out, rules=(ClipRule(rate=1.0),), picture=True)
    sink = ClipSink(settings, SinkContext(node="garden", labels=LABELS))
    await sink.open()
    for number, label in enumerate(["birds", "frogs", "birds"]):
        await sink.deliver(batches.batch(number, pond_0=label))
    await sink.close()
    first = next((out / "frogs").glob("*.flac"))
    first.with_name(f"{first.name}.keep").touch()
    await sink.set_requested({})
    return out


def test_every_clip_is_found_once_in_its_class(folder: Path) -> None:
    assert sorted(clip.label for clip in find_clips(folder)) == ["birds", "birds", "frogs"]


def test_clips_of_one_source_and_hour_are_one_recording(folder: Path) -> None:
    assert {clip.group for clip in find_clips(folder)} == {"pond-2026-05-01-06"}
