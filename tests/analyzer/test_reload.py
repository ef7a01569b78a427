"""Reloading the classifiers of an analyzer, whose stages are put together as in the program."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.capture.child import CaptureOptions
from analyzer.detections import DetectionStages
from analyzer.live_cascade import LiveCascade
from analyzer.live_runner import LiveAnalysis
from analyzer.pipeline import Pipeline
from analyzer.privacy import PrivateStages, SpeechStage
from analyzer.reload import ClassifierReloader, ReloadOptions
from tests.support.bundles import write_tone_bundle
from tidzam.config.privacy import PrivacySettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import BundleError, ConfigError

pytestmark = pytest.mark.timeout(60)

TONES = {"low": (440.0,), "high": (3000.0,)}


class Reloading:
    """The stages of an analyzer that does not capture, and what they report."""

    def __init__(self, nn: Path, *speech: str) -> None:
        """`speech` are the classes that count as speech."""
        privacy = PrivacySettings(detector="class", classes=speech) if speech else PrivacySettings()
        settings = AnalyzerSettings(nn=nn, privacy=privacy)
        options = ReloadOptions.of(settings, None, None)
        pipeline = Pipeline.of(settings)
        self.stages = PrivateStages(DetectionStages(pipeline, settings, node="g"), SpeechStage(privacy, pipeline))
        capture = CaptureOptions(patterns=("*",), server=None, slots=8, ring_s=5.0)
        analysis = LiveAnalysis(pipeline, capture, self.stages, lambda analyzed: None)
        self.live = LiveCascade(pipeline, analysis, self.stages, self._note)
        self.reloader = ClassifierReloader(self.live, options)
        self.taken: list[tuple[str, ...]] = []

    async def _note(self, pipeline: Pipeline) -> None:
        self.taken.append(pipeline.classifiers)


@pytest.fixture
def nn(tmp_path: Path) -> Path:
    write_tone_bundle(tmp_path / "nn", "selector", TONES)
    return tmp_path / "nn"


@pytest.fixture
def reloading(nn: Path) -> Iterator[Reloading]:
    yield Reloading(nn)
    gc.unfreeze()


async def test_unchanged_folders_change_nothing(reloading: Reloading) -> None:
    before = reloading.live.pipeline
    answer = await reloading.reloader.reload()
    assert (answer.changed, reloading.live.pipeline) == (False, before)


async def test_an_expert_that_was_added_takes_over_with_the_selector(reloading: Reloading, nn: Path) -> None:
    write_tone_bundle(nn, "high", {"wren": (5000.0,)})
    answer = await reloading.reloader.reload()
    assert answer.changed
    assert answer.classifiers == ("selector", "high")
    assert answer.bundles == dict(reloading.live.pipeline.bundle_versions)
    assert reloading.taken == [("selector", "high")]
    assert reloading.reloader.status.count == 1


async def test_a_damaged_bundle_is_refused_and_the_old_one_continues(reloading: Reloading, nn: Path) -> None:
    before = reloading.live.pipeline
    (nn / "selector" / "model.onnx").write_bytes(b"x")
    with pytest.raises(BundleError) as refused:
        await reloading.reloader.reload()
    assert refused.value.code == "bundle_checksum"
    assert reloading.live.pipeline is before
    status = reloading.reloader.status
    assert (status.count, status.refused, status.refusal) == (0, 1, str(refused.value))


async def test_a_removed_folder_is_refused(reloading: Reloading, nn: Path) -> None:
    shutil.rmtree(nn)
    with pytest.raises(BundleError, match="holds no classifier"):
        await reloading.reloader.reload()


async def test_classifiers_without_the_class_by_which_speech_is_detected_are_refused(nn: Path) -> None:
    reloading = Reloading(nn, "high")
    before = reloading.live.pipeline
    shutil.rmtree(nn)
    write_tone_bundle(nn, "selector", {"low": (440.0,)})
    with pytest.raises(ConfigError, match=r"analyzer\.privacy\.classes names 'high'"):
        await reloading.reloader.reload()
    assert reloading.live.pipeline is before


async def test_once_the_bundle_is_restored_nothing_is_refused(reloading: Reloading, nn: Path) -> None:
    network = nn / "selector" / "model.onnx"
    good = network.read_bytes()
    network.write_bytes(b"x")
    with pytest.raises(BundleError):
        await reloading.reloader.reload()
    network.write_bytes(good)
    await reloading.reloader.reload()
    assert reloading.reloader.status.refusal is None


async def test_the_networks_of_old_cascades_are_freed(reloading: Reloading, nn: Path) -> None:
    networks = []
    for number in range(3):
        networks += [weakref.ref(one.network) for one in reloading.live.pipeline.cascade.classifiers]
        shutil.rmtree(nn)
        write_tone_bundle(nn, "selector", {"low": (440.0,), f"high{number}": (3000.0,)})
        await reloading.reloader.reload()
    assert [one() for one in networks] == [None] * 3
