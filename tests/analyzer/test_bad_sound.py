"""Sound that is hard on arithmetic, live from the ring on and from files: finite results, and no effect on others."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from analyzer.__main__ import app
from analyzer.batching import analyze_batches
from analyzer.detections import DetectionStages
from analyzer.live.sample_check import SampleCheck
from analyzer.pipeline import Pipeline
from analyzer.sinks.base import SinkContext
from analyzer.sinks.clips import ClipSink
from tests.support.bad_sounds import BAD_SOUNDS
from tests.support.bundles import write_tone_bundle
from tests.support.classifiers import SPEC, flat
from tests.support.sound import tone
from tidzam.config.clips import ClipRule
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.inference.cascade import Cascade
from tidzam.results import Analysis, WindowBatch
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

RATE_HZ = 48000
GOOD = tone(3000.0, rate_hz=RATE_HZ, amplitude=0.9)
START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nn")
    write_tone_bundle(folder, "selector", {"birds": (3000.0,), "hum": (480.0,)})
    write_tone_bundle(folder, "birds", {"owl": (3000.0,), "wren": (6000.0,)})
    return folder


@pytest.fixture(scope="module")
def pipeline(nn: Path) -> Pipeline:
    return Pipeline.load(nn)


def batch(*names: str, number: int = 0) -> WindowBatch:
    """A window of a good channel, and one of each bad sound of `names`."""
    bad = [BAD_SOUNDS[name](number * RATE_HZ, RATE_HZ) for name in names]
    return WindowBatch(
        channels=("good:out_0", *(f"{name}:out_0" for name in names)),
        samples=np.stack([GOOD, *bad]),
        rate_hz=RATE_HZ,
        start_frame=number * RATE_HZ,
        starts=(START.replace(second=number),) * (1 + len(names)),
        gap_frames=(0,) * (1 + len(names)),
    )


def numbers(analysis: Analysis) -> list[float]:
    return [*analysis.probabilities.values(), *analysis.remainders.values(), analysis.level_dbfs]


@pytest.mark.parametrize("name", BAD_SOUNDS)
def test_scores_are_finite_and_the_other_channel_is_not_affected(pipeline: Pipeline, name: str) -> None:
    (alone,) = pipeline.analyze(SampleCheck().cleaned(batch()))
    good, bad = pipeline.analyze(SampleCheck().cleaned(batch(name)))
    assert good.probabilities == alone.probabilities
    assert good.level_dbfs == pytest.approx(alone.level_dbfs, abs=0.001)
    assert all(map(math.isfinite, numbers(bad)))
    assert set(bad.probabilities) >= {"birds", "hum"}
    assert pipeline.classifier_errors == {}


@pytest.mark.parametrize(("name", "result"), [("nan-now-and-then", "hum"), ("nan", "unknown")])
def test_what_can_be_heard_beside_bad_samples_is_heard(pipeline: Pipeline, name: str, result: str) -> None:
    _, found = pipeline.analyze(SampleCheck().cleaned(batch(name)))
    assert found.result == (result,)


def test_replaced_samples_are_counted_once_and_their_channels_are_remarked() -> None:
    check, whole = SampleCheck(), batch("nan-now-and-then", "square")
    for number in range(2):  # half of the second batch was in the first
        check.cleaned(replace(whole, start_frame=number * RATE_HZ // 2, hop_frames=RATE_HZ // 2))
    halves = [np.isnan(whole.samples[1, RATE_HZ // 2 :]).sum()] * 2
    assert check.replaced == sum(halves)
    assert check.channels == {"nan-now-and-then:out_0"}
    assert "nan-now-and-then:out_0 carries samples that are no audio" in check.remarks[0]


def test_a_channel_that_is_sound_again_is_not_remarked() -> None:
    check = SampleCheck()
    check.cleaned(batch("nan"))
    check.cleaned(batch("square"))
    assert check.remarks == ()


def test_the_sound_before_a_window_is_cleaned_as_well() -> None:
    whole = batch("infinite")
    context = np.concatenate([whole.samples, whole.samples], axis=1)
    cleaned = SampleCheck().cleaned(replace(whole, context=context, samples=context[:, RATE_HZ:]))
    assert cleaned.context is not None
    assert np.isfinite(cleaned.context).all()
    assert np.isfinite(cleaned.samples).all()


async def test_clips_of_bad_sound_hold_no_sample_that_is_no_audio(pipeline: Pipeline, tmp_path: Path) -> None:
    settings = ClipSinkSettings(folder=tmp_path, rules=(ClipRule(rate=1.0),), format="wav")
    stages = DetectionStages(pipeline, AnalyzerSettings(), node="garden")
    sink, check = ClipSink(settings, SinkContext(node="garden", labels=pipeline.labels)), SampleCheck()
    await sink.open()
    for number in range(2):
        cleaned = check.cleaned(batch("nan-now-and-then", "largest", number=number))
        await sink.deliver(sink.mark(stages.follow(cleaned, pipeline.analyze(cleaned))))
    await sink.close()
    clips = clips_in(tmp_path)
    assert len(clips) == 2
    assert max(float(np.abs(clip).max()) for clip in clips) == pytest.approx(0.5, abs=0.01)


def clips_in(folder: Path) -> list[Float32]:
    return [soundfile.read(path, dtype="float32")[0] for path in folder.rglob("nan-*.wav")]


class ProductNetwork:
    """Keeps the product of two numbers that is denormal."""

    input_shape = (None, *SPEC.shape)
    product: float | None = None

    def predict(self, features: Float32) -> Float32:
        self.product = float(np.float32(1e-38) * np.float32(0.1))
        return np.zeros((len(features), 1), np.float32)


def test_threads_that_analyze_files_flush_denormals() -> None:
    network = ProductNetwork()
    probing = Pipeline(Cascade([replace(flat("selector", "birds"), network=network)]))
    window = replace(batch(), samples=np.zeros((1, SPEC.window_samples), np.float32), rate_hz=SPEC.rate_hz)
    assert len(list(analyze_batches(probing, iter([window])))) == 1
    assert network.product == 0


def test_a_file_of_bad_sound_has_finite_results_on_every_channel(nn: Path, tmp_path: Path) -> None:
    both = [np.tile(GOOD, 2), *(signal(0, 2 * RATE_HZ) for signal in BAD_SOUNDS.values())]
    soundfile.write(tmp_path / "bad.wav", np.stack(both, axis=1), RATE_HZ, subtype="FLOAT")
    done = CliRunner().invoke(app, ["--stream", str(tmp_path / "bad.wav"), "--nn", str(nn), "--json"])
    report = json.loads(done.stdout, parse_constant=pytest.fail)
    assert done.exit_code == 0
    assert report["classifier_errors"] == {}
    assert ("owl", 0.0, 2.0) in {(row["class"], row["start_s"], row["end_s"]) for row in report["detections"]}
    assert report["cleaned_samples"] == 2 * RATE_HZ * 3 + len(range(0, 2 * RATE_HZ, 997))
