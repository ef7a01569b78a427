"""The stages from analyses to detections, put together from settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.detections import DetectionStages
from analyzer.pipeline import Pipeline
from tests.support.bundles import write_tone_bundle
from tests.support.sound import tone
from tidzam.config.settings import AnalyzerSettings
from tidzam.results import AnalyzedBatch, DetectionChange, WindowBatch
from tidzam.types import Float32

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
RATE_HZ = 44100


@pytest.fixture
def nn(tmp_path: Path) -> Path:
    """A selector of `birds` and `rain`, and an expert of the birds."""
    write_tone_bundle(tmp_path, "selector", {"birds": (2000.0, 5000.0), "rain": (500.0,)})
    write_tone_bundle(tmp_path, "birds", {"owl": (2000.0,), "wren": (5000.0,)})
    return tmp_path


def analyzed(
    nn: Path, windows: list[list[Float32]], *, hop_s: float = 1.0, dated: bool = True, **settings: Any
) -> list[AnalyzedBatch]:
    """The batches of windows of each channel of one source, and the last batch."""
    made = AnalyzerSettings.model_validate({"nn": nn, **settings})
    pipeline = Pipeline.of(made)
    stages = DetectionStages(pipeline, made, node="garden")
    batches = []
    for number, samples in enumerate(windows):
        start = START + timedelta(seconds=number * hop_s)
        channels = tuple(f"pond:out_{k}" for k in range(len(samples)))
        count, frame = len(samples), round(number * hop_s * RATE_HZ)
        batch = WindowBatch(channels, np.stack(samples), RATE_HZ, frame, (start,) * count, (0,) * count, dated=dated)
        batches.append(stages.follow(batch, pipeline.analyze(batch)))
    return [*batches, stages.last_batch()]


def changes(batches: list[AnalyzedBatch]) -> list[DetectionChange]:
    return [change for batch in batches for change in batch.detections]


OWL, RAIN, SILENCE = tone(2000.0), tone(500.0), tone()


def test_a_call_on_two_channels_becomes_one_detection(nn: Path) -> None:
    batches = analyzed(nn, [[OWL, 0.3 * OWL], [SILENCE, SILENCE], [SILENCE, SILENCE]])
    ends = [change.detection for change in changes(batches) if change.kind == "end"]
    assert [(found.label, found.channel_names) for found in ends] == [("owl", ("pond:out_0", "pond:out_1"))]


def test_overlapping_windows_are_averaged(nn: Path) -> None:
    first, second, _ = analyzed(nn, [[RAIN], [SILENCE]], hop_s=0.5, overlap=0.5)
    alone, _ = analyzed(nn, [[SILENCE]])
    mean = (first.analyses[0].probabilities["rain"] + alone.analyses[0].probabilities["rain"]) / 2
    assert second.analyses[0].probabilities["rain"] == pytest.approx(mean, abs=1e-6)


def test_averaging_can_be_switched_off(nn: Path) -> None:
    second = analyzed(nn, [[RAIN], [SILENCE]], hop_s=0.5, overlap=0.5, decision={"average": False})[1]
    assert second.analyses[0].result == ("unknown",)


def test_the_rule_and_thresholds_of_the_profile_decide(nn: Path) -> None:
    decision = {"rule": "margin", "overrides": [{"classes": "owl", "threshold": 1.0}]}
    (batch, _) = analyzed(nn, [[OWL]], decision=decision)
    assert batch.analyses[0].result == ("birds",)


@pytest.mark.parametrize(("dated", "result"), [(True, "unknown"), (False, "rain")])
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_times_of_day_are_those_of_dated_recordings(nn: Path, overlap: float, dated: bool, result: str) -> None:
    decision = {"overrides": [{"times": "06:00-07:00", "threshold": 1.0}]}
    batches = analyzed(nn, [[RAIN], [RAIN]], hop_s=1 - overlap, overlap=overlap, dated=dated, decision=decision)
    assert {analysis.result for batch in batches for analysis in batch.analyses} == {(result,)}


def test_detections_follow_their_settings(nn: Path) -> None:
    windows = [[RAIN], [SILENCE], [RAIN], [RAIN], [SILENCE]]
    detections = {"min_windows": 2, "max_gap_s": 1.0}
    found = changes(analyzed(nn, windows, detections=detections))
    assert [change.kind for change in found] == ["start", "update", "end"]
    assert found[-1].detection.start == START
    assert found[-1].detection.end == START + timedelta(seconds=4)


def test_analyses_hold_the_remainders_of_the_cascade(nn: Path) -> None:
    (batch, _) = analyzed(nn, [[OWL]])
    analysis = batch.analyses[0]
    assert set(analysis.remainders) == {"unknown", "birds"}
    assert analysis.remainders["birds"] < 0.5 * analysis.probabilities["birds"]
