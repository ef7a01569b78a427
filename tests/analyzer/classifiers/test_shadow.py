"""A shadow cascade beside a live one: what it compares, and that nothing of it reaches the live one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pytest

from analyzer.classifiers import shadow as shadow_module
from analyzer.classifiers.shadow import ShadowCascade
from analyzer.detections import DetectionStages
from analyzer.pipeline import Pipeline
from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually
from tests.support.sound import tone
from tidzam.config.settings import AnalyzerSettings
from tidzam.results import Analysis, AnalyzedBatch, WindowBatch
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
RATE_HZ = 44100
LOW, HIGH = tone(440.0), tone(3000.0)


class Pipelines(NamedTuple):
    """Pipelines that call 440 Hz `low`; the one of the shadow also knows 3 kHz."""

    live: Pipeline
    shadow: Pipeline


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Pipelines:
    folder = tmp_path_factory.mktemp("bundles")
    write_tone_bundle(folder / "live", "selector", {"low": (440.0,)})
    write_tone_bundle(folder / "shadow", "selector", {"low": (440.0,), "high": (3000.0,)})
    return Pipelines(Pipeline.load(folder / "live"), Pipeline.load(folder / "shadow"))


class Side:
    """The live pipeline and its stages."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self.stages = pipeline, stages_of(pipeline)

    def follow(self, batch: WindowBatch) -> AnalyzedBatch:
        return self.stages.follow(batch, self.pipeline.analyze(batch))


def stages_of(pipeline: Pipeline) -> DetectionStages:
    return DetectionStages(pipeline, AnalyzerSettings(), node="garden")


class HangingPipeline(Pipeline):
    """Waits in each analysis until `go` is set, then raises if `error` is set."""

    go: threading.Event
    error: Exception | None = None

    def analyze(self, batch: WindowBatch) -> tuple[Analysis, ...]:
        self.go.wait()
        if self.error is not None:
            raise self.error
        return super().analyze(batch)


def batch_of(number: int, *samples: Float32) -> WindowBatch:
    start, count = START + timedelta(seconds=number), len(samples)
    names = tuple(f"pond:out_{channel}" for channel in range(count))
    stacked = np.stack(samples)
    return WindowBatch(names, stacked, RATE_HZ, number * RATE_HZ, (start,) * count, (0,) * count)


@contextmanager
def running(
    pipelines: Pipelines, pipeline: Pipeline | None = None
) -> Iterator[tuple[Side, ShadowCascade, list[AnalyzedBatch]]]:
    """The live side, the shadow, and the batches of the shadow."""
    chosen, found = pipeline or pipelines.shadow, list[AnalyzedBatch]()
    shadow = ShadowCascade(chosen, stages_of(chosen), found.append)
    try:
        yield Side(pipelines.live), shadow, found
    finally:
        shadow.end(10.0)


def hanging(pipelines: Pipelines) -> HangingPipeline:
    pipeline = HangingPipeline(pipelines.shadow.cascade)
    pipeline.go = threading.Event()
    return pipeline


def test_windows_of_both_are_compared(pipelines: Pipelines) -> None:
    with running(pipelines) as (live, shadow, found):
        for number in range(3):
            batch = batch_of(number, LOW, HIGH)
            shadow.see(batch, live.follow(batch), jumped=frozenset())
            eventually(lambda number=number: len(found) > number)  # type: ignore[misc]
        status = shadow.status()
    assert (status.state, status.compared, status.agreed, status.dropped) == ("running", 6, 3, 0)
    assert {one.label: (one.both, one.live_only, one.shadow_only) for one in status.classes} == {
        "low": (3, 0, 0),
        "high": (0, 0, 3),
        "unknown": (0, 3, 0),
    }


def test_its_detections_are_its_own(pipelines: Pipelines) -> None:
    with running(pipelines) as (live, shadow, found):
        batch = batch_of(0, HIGH)
        shadow.see(batch, live.follow(batch), jumped=frozenset())
        eventually(lambda: found)
    assert [change.detection.label for change in found[0].detections] == ["high"]


def test_a_shadow_that_cannot_keep_up_drops_windows_and_counts_them(pipelines: Pipelines) -> None:
    pipeline = hanging(pipelines)
    with running(pipelines, pipeline) as (live, shadow, found):
        for number in range(6):
            batch = batch_of(number, LOW)
            shadow.see(batch, live.follow(batch), jumped=frozenset())
        dropped = shadow.status().dropped
        pipeline.go.set()
        eventually(lambda: len(found) == 6 - dropped)
    assert 3 <= dropped <= 4


def test_a_network_that_hangs_is_named(pipelines: Pipelines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_module, "HANGS_AFTER_S", 0.1)
    pipeline = hanging(pipelines)
    with running(pipelines, pipeline) as (live, shadow, _):
        batch = batch_of(0, LOW)
        shadow.see(batch, live.follow(batch), jumped=frozenset())
        eventually(lambda: shadow.status().state == "hangs")
        fault = shadow.status().fault
        pipeline.go.set()
        eventually(lambda: shadow.status().state == "running")
    assert fault is not None
    assert "has not come to an end" in fault


def test_an_error_is_contained_named_and_counted_until_it_works_again(pipelines: Pipelines) -> None:
    pipeline = hanging(pipelines)
    pipeline.go.set()
    pipeline.error = RuntimeError("out of luck")
    with running(pipelines, pipeline) as (live, shadow, found):
        batch = batch_of(0, LOW)
        shadow.see(batch, live.follow(batch), jumped=frozenset())
        eventually(lambda: shadow.status().errors == 1)
        assert shadow.status().fault == "It failed: out of luck"
        pipeline.error = None
        batch = batch_of(1, LOW)
        shadow.see(batch, live.follow(batch), jumped=frozenset())
        eventually(lambda: found)
        eventually(lambda: shadow.status().fault is None)


def test_the_comparison_starts_over_when_the_live_cascade_changes(pipelines: Pipelines) -> None:
    with running(pipelines) as (live, shadow, found):
        for number, side in enumerate((live, live, Side(Pipeline(pipelines.live.cascade)))):
            batch = batch_of(number, LOW)
            shadow.see(batch, side.follow(batch), jumped=frozenset())
            eventually(lambda number=number: len(found) > number)  # type: ignore[misc]
        assert shadow.status().compared == 1


def test_its_thread_ends(pipelines: Pipelines) -> None:
    with running(pipelines) as (_, shadow, _):
        assert shadow.end(10.0)
