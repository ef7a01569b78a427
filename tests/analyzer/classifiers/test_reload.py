"""Reloading the classifiers of an analyzer, whose stages are put together as in the program."""

from __future__ import annotations

import asyncio
import gc
import shutil
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from analyzer.capture.child import CaptureOptions
from analyzer.classifiers.live_cascade import LiveCascade
from analyzer.classifiers.reload import ClassifierReloader, ReloadOptions
from analyzer.classifiers.shadow_control import ShadowControl
from analyzer.detections import DetectionStages
from analyzer.live.runner import LiveAnalysis
from analyzer.pipeline import Pipeline
from analyzer.privacy import PrivateStages, SpeechStage
from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually_async
from tests.support.gap_clock import NOON
from tests.support.novelty import novelty_bundle
from tests.support.sound import tone
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import NOVEL, read_bundle, rewrite_manifest
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import with_promoted
from tidzam.config.privacy import PrivacySettings
from tidzam.config.reload import ReloadSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import BundleError, ConfigError, NodeError
from tidzam.inference.cascade import Cascade
from tidzam.results import AnalyzedBatch, WindowBatch
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

RATE_HZ = 44100
TONES = {"low": (440.0,), "high": (3000.0,)}


class Reloading:
    """The stages of an analyzer that does not capture, and what they report."""

    def __init__(
        self, nn: Path, *speech: str, cascade: Cascade | None = None, home: Path | None = None, novelty: str = ""
    ) -> None:
        """`speech` are the classes that count as speech; `cascade` is what `nn` holds, if that is known."""
        privacy = PrivacySettings(detector="class", classes=speech) if speech else PrivacySettings()
        names = (novelty,) if novelty else ()
        settings = AnalyzerSettings(nn=nn, novelty=names, privacy=privacy, reload=ReloadSettings(settle_s=0.5))
        options = ReloadOptions.of(settings, None, home)
        self.seen: list[AnalyzedBatch] = []
        pipeline = Pipeline.of(settings) if cascade is None else Pipeline(cascade)
        self.stages = PrivateStages(DetectionStages(pipeline, settings, node="g"), SpeechStage(privacy, pipeline))
        capture = CaptureOptions(patterns=("*",), server=None, slots=8, ring_s=5.0)
        self.analysis = analysis = LiveAnalysis(pipeline, capture, self.stages, lambda analyzed: None)
        self.live = LiveCascade(pipeline, analysis, self.stages, self._note)
        self.shadow = ShadowControl(
            options.loader, analysis, lambda shadow: DetectionStages(shadow, settings, node="g"), self._see
        )
        self.reloader = ClassifierReloader(self.live, self.shadow, options)
        self.taken: list[tuple[str, ...]] = []
        self.sends = True

    def _see(self, analyzed: AnalyzedBatch) -> bool:
        self.seen.append(analyzed)
        return self.sends

    def hear(self, samples: Float32) -> None:
        """Let the shadow see a step of windows (channels, frames), as the live analysis does."""
        channels = len(samples)
        names = tuple(f"pond:out_{channel}" for channel in range(channels))
        batch = WindowBatch(names, samples, RATE_HZ, 0, (NOON,) * channels, (0,) * channels)
        live = self.stages.follow(batch, self.live.pipeline.analyze(batch))
        observer = self.analysis._observer
        assert observer is not None
        observer.see(batch, live, jumped=frozenset())

    async def _note(self, pipeline: Pipeline) -> None:
        self.taken.append(pipeline.classifiers)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `nn` is a copy of."""
    folder = tmp_path_factory.mktemp("original")
    write_tone_bundle(folder, "selector", TONES)
    return folder


@pytest.fixture(scope="module")
def cascade(original: Path) -> Cascade:
    return Pipeline.load(original).cascade


@pytest.fixture
def nn(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "nn"))


@pytest.fixture
async def reloading(nn: Path, cascade: Cascade) -> AsyncIterator[Reloading]:
    made = Reloading(nn, cascade=cascade)
    yield made
    await made.shadow.stop()
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
        shutil.rmtree(nn)
        write_tone_bundle(nn, "selector", {"low": (440.0,), f"high{number}": (3000.0,)})
        await reloading.reloader.reload()
        networks += [weakref.ref(one.network) for one in reloading.live.pipeline.cascade.classifiers]
    *old, live = networks
    assert [one() for one in old] == [None] * 2
    assert live() is not None


async def test_bundles_that_change_are_loaded_once_they_are_left_alone(reloading: Reloading, nn: Path) -> None:
    watching = asyncio.create_task(reloading.reloader.run())
    write_tone_bundle(nn, "high", {"wren": (5000.0,)})
    await eventually_async(lambda: reloading.taken)
    watching.cancel()
    assert reloading.taken == [("selector", "high")]


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the novelty bundle `noise`."""
    return novelty_bundle(tmp_path_factory.mktemp("novelty")).folder.parent


async def test_a_novelty_bundle_that_changes_is_loaded_once_it_is_left_alone(
    nn: Path, pond: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(pond / "noise", tmp_path / "noise"))
    reloading = Reloading(nn, novelty=str(folder))
    watching = asyncio.create_task(reloading.reloader.run())
    before = read_bundle(folder)
    assert before.manifest.novelty is not None
    changed = rewrite_manifest(before, novelty=before.manifest.novelty.model_copy(update={"threshold": 0.9}))
    await eventually_async(lambda: reloading.taken)
    watching.cancel()
    assert reloading.live.pipeline.novelty.versions == {"noise": changed.manifest.version}


async def test_a_shadow_runs_no_novelty_bundle_and_takes_over_with_those_that_are_live(
    nn: Path, pond: Path, other: CascadeChoice
) -> None:
    reloading = Reloading(nn, novelty=str(pond / "noise"))
    live = reloading.live.pipeline.novelty
    shadow = await reloading.reloader.start_shadow(lambda: other)
    assert set(shadow.bundles) == {"selector"}
    answer = await reloading.reloader.promote()
    assert set(answer.bundles) == {"selector", "noise"}
    assert reloading.live.pipeline.novelty.detectors == live.detectors
    assert not (await reloading.reloader.reload()).changed


async def test_a_shadow_with_the_label_of_unusual_sound_is_not_promoted(nn: Path, pond: Path, tmp_path: Path) -> None:
    reloading = Reloading(nn, novelty=str(pond / "noise"))
    write_tone_bundle(tmp_path / "other", "selector", {NOVEL: (440.0,)})
    await reloading.reloader.start_shadow(lambda: CascadeChoice(tmp_path / "other"))
    live = reloading.live.pipeline
    with pytest.raises(BundleError, match="the label of unusual sound"):
        await reloading.reloader.promote()
    await reloading.reloader.stop_shadow()
    assert reloading.live.pipeline is live


@pytest.fixture
def other(tmp_path: Path) -> CascadeChoice:
    """A selector that is tried."""
    write_tone_bundle(tmp_path / "other", "selector", {"low": (440.0,), "owl": (2000.0,)})
    return CascadeChoice(tmp_path / "other")


async def test_a_shadow_that_is_promoted_is_live_and_no_shadow_any_more(
    reloading: Reloading, other: CascadeChoice
) -> None:
    shadow = await reloading.reloader.start_shadow(lambda: other)
    answer = await reloading.reloader.promote()
    assert answer.bundles == shadow.bundles == dict(reloading.live.pipeline.bundle_versions)
    assert reloading.shadow.status is None
    assert reloading.reloader.status.promoted


async def test_classifiers_are_promoted_by_name_without_a_shadow(reloading: Reloading, other: CascadeChoice) -> None:
    answer = await reloading.reloader.promote(lambda: other)
    assert answer.bundles == dict(reloading.live.pipeline.bundle_versions)
    assert answer.classifiers == ("selector",)
    assert reloading.reloader.live_choice == other


async def test_of_two_promotions_at_once_the_second_starts_from_the_first(
    reloading: Reloading, other: CascadeChoice, original: Path
) -> None:
    found: list[CascadeChoice] = []

    def second() -> CascadeChoice:
        found.append(reloading.reloader.live_choice)
        return CascadeChoice(original)

    await asyncio.gather(reloading.reloader.promote(lambda: other), reloading.reloader.promote(second))
    assert found == [other]


async def test_a_shadow_goes_on_when_others_are_promoted(
    reloading: Reloading, other: CascadeChoice, original: Path
) -> None:
    shadow = await reloading.reloader.start_shadow(lambda: other)
    await reloading.reloader.promote(lambda: CascadeChoice(original))
    status = reloading.shadow.status
    assert status is not None
    assert (status.state, status.bundles) == ("running", shadow.bundles)


async def test_a_shadow_with_the_classifiers_that_are_promoted_ends(reloading: Reloading, other: CascadeChoice) -> None:
    await reloading.reloader.start_shadow(lambda: other)
    await reloading.reloader.promote(lambda: other)
    assert reloading.shadow.status is None


async def test_a_promotion_of_what_cannot_be_used_leaves_all_as_it_was(
    reloading: Reloading, other: CascadeChoice, tmp_path: Path
) -> None:
    await reloading.reloader.start_shadow(lambda: other)
    live = reloading.live.pipeline
    with pytest.raises(BundleError):
        await reloading.reloader.promote(lambda: CascadeChoice(tmp_path / "nowhere"))
    status = reloading.shadow.status
    assert status is not None
    assert (reloading.live.pipeline, status.state) == (live, "running")


async def test_after_a_promotion_the_folder_of_the_shadow_is_the_one_that_is_reloaded(
    reloading: Reloading, other: CascadeChoice
) -> None:
    await reloading.reloader.start_shadow(lambda: other)
    await reloading.reloader.promote()
    assert not (await reloading.reloader.reload()).changed


async def test_without_a_shadow_nothing_can_be_promoted(reloading: Reloading) -> None:
    with pytest.raises(NodeError) as refused:
        await reloading.reloader.promote()
    assert refused.value.code == "no_shadow"


async def test_a_shadow_that_cannot_be_used_is_refused_and_the_reason_kept(
    reloading: Reloading, tmp_path: Path
) -> None:
    with pytest.raises(BundleError):
        await reloading.reloader.start_shadow(lambda: CascadeChoice(tmp_path / "nowhere"))
    status = reloading.shadow.status
    assert status is not None
    assert status.state == "refused"
    assert "nowhere" in str(status.fault)


async def test_a_shadow_whose_windows_differ_is_refused(reloading: Reloading, tmp_path: Path) -> None:
    features = FeatureSpec(window_s=2.0)
    write_tone_bundle(tmp_path / "long", "selector", TONES, features=features)
    with pytest.raises(BundleError, match="last 2 s, those of the live classifiers 1 s"):
        await reloading.reloader.start_shadow(lambda: CascadeChoice(tmp_path / "long"))


async def test_a_shadow_is_loaded_again_with_the_live_classifiers(reloading: Reloading, other: CascadeChoice) -> None:
    before = await reloading.reloader.start_shadow(lambda: other)
    assert other.nn is not None
    shutil.rmtree(other.nn)
    write_tone_bundle(other.nn, "selector", {"low": (440.0,), "wren": (5000.0,)})
    answer = await reloading.reloader.reload()
    assert not answer.changed
    assert answer.shadow not in ({}, before.bundles)


async def test_a_shadow_without_the_class_for_privacy_is_not_promoted_and_goes_on(
    nn: Path, other: CascadeChoice
) -> None:
    reloading = Reloading(nn, "high")
    await reloading.reloader.start_shadow(lambda: other)
    with pytest.raises(ConfigError):
        await reloading.reloader.promote()
    status = reloading.shadow.status
    assert status is not None
    assert status.state == "running"


async def test_a_shadow_that_was_stopped_is_gone(reloading: Reloading, other: CascadeChoice) -> None:
    await reloading.reloader.start_shadow(lambda: other)
    await reloading.reloader.stop_shadow()
    assert reloading.shadow.status is None


@pytest.mark.parametrize(("sends", "unsent"), [(True, 0), (False, 2)])
async def test_windows_of_a_shadow_whose_events_are_not_sent_are_counted(
    reloading: Reloading, other: CascadeChoice, sends: bool, unsent: int
) -> None:
    reloading.sends = sends
    await reloading.reloader.start_shadow(lambda: other)
    reloading.hear(np.stack([tone(440.0), tone(3000.0)]))
    await eventually_async(lambda: reloading.seen)
    status = reloading.shadow.status
    assert status is not None
    assert status.unsent == unsent


async def test_a_rollback_returns_to_the_classifiers_before_the_promotion(
    reloading: Reloading, other: CascadeChoice
) -> None:
    before = dict(reloading.live.pipeline.bundle_versions)
    await reloading.reloader.start_shadow(lambda: other)
    await reloading.reloader.promote()
    assert reloading.reloader.status.previous == before
    answer = await reloading.reloader.roll_back()
    assert answer.bundles == dict(reloading.live.pipeline.bundle_versions) == before
    assert not reloading.reloader.status.promoted


async def test_without_a_promotion_there_is_nothing_to_roll_back(reloading: Reloading) -> None:
    with pytest.raises(NodeError) as refused:
        await reloading.reloader.roll_back()
    assert refused.value.code == "no_promotion"


async def test_a_rollback_to_what_is_damaged_by_now_is_refused_and_the_live_classifiers_continue(
    reloading: Reloading, nn: Path, other: CascadeChoice
) -> None:
    await reloading.reloader.start_shadow(lambda: other)
    await reloading.reloader.promote()
    live = reloading.live.pipeline
    (nn / "selector" / "model.onnx").write_bytes(b"x")
    with pytest.raises(BundleError) as refused:
        await reloading.reloader.roll_back()
    assert refused.value.code == "bundle_checksum"
    assert reloading.live.pipeline is live
    assert reloading.reloader.status.promoted


async def test_what_was_promoted_runs_after_a_restart(
    nn: Path, cascade: Cascade, other: CascadeChoice, tmp_path: Path
) -> None:
    first = Reloading(nn, cascade=cascade, home=tmp_path)
    await first.reloader.start_shadow(lambda: other)
    await first.reloader.promote()
    settings = with_promoted(AnalyzerSettings(nn=nn), tmp_path)
    again = Reloading(nn, cascade=cascade, home=tmp_path)
    assert settings.nn == other.nn
    assert again.reloader.status.previous == dict(Pipeline(cascade).bundle_versions)


async def test_without_a_home_a_promotion_ends_with_the_analyzer_and_the_health_says_so(
    reloading: Reloading, other: CascadeChoice
) -> None:
    await reloading.reloader.start_shadow(lambda: other)
    await reloading.reloader.promote()
    assert "after a restart, others are live" in reloading.reloader.status.remarks[0]


@pytest.fixture
def owls(tmp_path: Path) -> Path:
    """An installed model that runs beside the selector."""
    return rewrite_manifest(write_tone_bundle(tmp_path / "models", "owls", {"owl": (2000.0,)}), root=True).folder


async def test_a_second_version_of_a_model_replaces_the_first_and_a_rollback_returns_the_first(
    nn: Path, cascade: Cascade, owls: Path, tmp_path: Path
) -> None:
    reloading = Reloading(nn, cascade=cascade, home=tmp_path)
    await reloading.reloader.start_shadow(lambda: CascadeChoice(nn, ("owls",)))
    first = (await reloading.reloader.promote()).bundles
    rewrite_manifest(read_bundle(owls), thresholds={"owl": 0.9})
    assert not (await reloading.reloader.reload()).changed
    await reloading.reloader.start_shadow(lambda: reloading.reloader.live_choice.changed(add=["owls"]))
    second = (await reloading.reloader.promote()).bundles
    assert second["owls"] == read_bundle(owls).manifest.version != first["owls"]
    assert (await reloading.reloader.roll_back()).bundles == first
    settings = with_promoted(AnalyzerSettings(nn=nn), tmp_path)
    assert Pipeline.of(settings, home=tmp_path).bundle_versions == first


async def test_several_promotions_are_rolled_back_at_once(
    nn: Path, cascade: Cascade, owls: Path, tmp_path: Path
) -> None:
    reloading = Reloading(nn, cascade=cascade, home=tmp_path)
    before = dict(reloading.live.pipeline.bundle_versions)
    for threshold in (0.8, 0.9):
        rewrite_manifest(read_bundle(owls), thresholds={"owl": threshold})
        await reloading.reloader.start_shadow(lambda: CascadeChoice(nn, ("owls",)))
        await reloading.reloader.promote()
    assert (await reloading.reloader.roll_back(2)).bundles == before
    assert not reloading.reloader.status.promoted


async def test_more_promotions_than_there_were_are_not_rolled_back(reloading: Reloading, other: CascadeChoice) -> None:
    await reloading.reloader.start_shadow(lambda: other)
    await reloading.reloader.promote()
    with pytest.raises(NodeError, match="fewer promotions than 2"):
        await reloading.reloader.roll_back(2)
