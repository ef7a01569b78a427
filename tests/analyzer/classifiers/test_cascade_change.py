"""What becomes of detections, averages and clips when another cascade takes over between two windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.clips.clip_file import ClipTags
from analyzer.clips.extractor import Extractor
from analyzer.clips.rules import rules_of
from analyzer.detections import DetectionStages
from analyzer.pipeline import Pipeline
from tests.support.bundles import write_tone_bundle
from tests.support.sound import tone
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.results import AnalyzedBatch, WindowBatch
from tidzam.types import Float32

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
RATE_HZ = 44100
OWL, RAIN, SILENCE = tone(2000.0), tone(500.0), tone()
BOTH = ((OWL + RAIN) / 2).astype(np.float32)


class Stages:
    """The stages after the windows of one channel, as the live analyzer has them."""

    def __init__(self, nn: Path, *, hop_s: float = 1.0, **settings: Any) -> None:
        self._settings = AnalyzerSettings.model_validate({"nn": nn, **settings})
        self.pipeline = Pipeline.of(self._settings)
        self._stages = DetectionStages(self.pipeline, self._settings, node="garden")
        self._hop_s, self._count = hop_s, 0

    def use(self, nn: Path) -> None:
        self.pipeline = Pipeline.of(self._settings.model_copy(update={"nn": nn}))
        self._stages.use(self.pipeline)

    def window(self, samples: Float32) -> AnalyzedBatch:
        start_s = self._count * self._hop_s
        self._count += 1
        start = START + timedelta(seconds=start_s)
        batch = WindowBatch(("pond:out_0",), samples[None], RATE_HZ, round(start_s * RATE_HZ), (start,), (0,))
        return self._stages.follow(batch, self.pipeline.analyze(batch))


def changes(batch: AnalyzedBatch) -> list[tuple[str, str, int]]:
    return [(one.kind, one.detection.label, one.detection.windows) for one in batch.detections]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A selector of `owl` and `rain`."""
    write_tone_bundle(tmp_path / "old", "selector", {"owl": (2000.0,), "rain": (500.0,)})
    return tmp_path / "old"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """A selector that knows `owl`, and calls the rain `drops`."""
    write_tone_bundle(tmp_path / "new", "selector", {"owl": (2000.0,), "drops": (500.0,)})
    return tmp_path / "new"


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """A cascade in which `owl` is a class of birds."""
    write_tone_bundle(tmp_path / "nested", "selector", {"birds": (2000.0,), "rain": (500.0,)})
    write_tone_bundle(tmp_path / "nested", "birds", {"owl": (2000.0,)})
    return tmp_path / "nested"


def test_detections_of_classes_that_both_know_go_on_and_others_end(old: Path, new: Path) -> None:
    stages = Stages(old)
    stages.window(BOTH)
    stages.use(new)
    assert changes(stages.window(BOTH)) == [("end", "rain", 1), ("update", "owl", 2), ("start", "drops", 1)]


def test_a_detection_that_goes_on_keeps_its_id(old: Path, new: Path) -> None:
    stages = Stages(old)
    (first,) = stages.window(OWL).detections
    stages.use(new)
    (second,) = stages.window(OWL).detections
    assert second.detection.id == first.detection.id


def test_a_class_with_other_parents_is_another_class(old: Path, nested: Path) -> None:
    stages = Stages(old)
    stages.window(OWL)
    stages.use(nested)
    assert changes(stages.window(OWL)) == [("end", "owl", 1), ("start", "owl", 1)]


def test_batches_say_which_cascade_made_them(old: Path, new: Path) -> None:
    stages = Stages(old)
    first = stages.window(OWL).cascade
    stages.use(new)
    second = stages.window(OWL).cascade
    assert first is not None
    assert second is stages.pipeline.identity
    assert (first.versions, list(second.labels)) != (second.versions, list(first.labels))


def test_averages_start_over(old: Path, new: Path) -> None:
    stages = Stages(old, hop_s=0.5, overlap=0.5)
    stages.window(OWL)
    stages.use(new)
    assert stages.window(SILENCE).analyses[0].result == ("unknown",)


def test_a_clip_names_the_versions_that_chose_it(old: Path, new: Path, tmp_path: Path) -> None:
    stages = Stages(old)
    first = stages.pipeline.identity
    settings = ClipSinkSettings(folder=tmp_path / "clips", rules=rules_of(dynamic=False))
    extractor = Extractor(settings, labels=first.labels, node="garden", bundles=first.versions)
    tags: list[ClipTags] = []
    for number in range(4):
        if number == 2:
            stages.use(new)
        batch = stages.window(OWL)
        extractor.mark(batch)
        tags += [clip.tags for clip in extractor.cut(batch)]
    tags += [clip.tags for clip in extractor.finish()]
    second = stages.pipeline.identity
    assert [tag.comment["bundles"] for tag in tags] == [dict(first.versions)] * 2 + [dict(second.versions)] * 2
