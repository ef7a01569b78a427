"""Networks that pass their trial and fail later: the faulty windows are left out, counted and reported once."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from analyzer.clips.extractor import Extractor
from analyzer.clips.rules import rules_of
from analyzer.pipeline import Pipeline
from tests.support import hostile
from tests.support.classifiers import SPEC, flat
from tidzam.config.sinks import ClipSinkSettings
from tidzam.inference import resource_limits as bounds
from tidzam.inference.cascade import Cascade, Classifier
from tidzam.inference.decision import decide
from tidzam.inference.loading import load_network
from tidzam.labels import UNKNOWN
from tidzam.results import AnalyzedBatch, ChannelState, WindowBatch
from tidzam.types import Float32

WINDOW = SPEC.window_samples
QUIET: Float32 = np.zeros(WINDOW, np.float32)
LOUD: Float32 = np.random.default_rng(0).normal(0, 0.1, WINDOW).astype(np.float32)


def cascade(folder: Path, value: float, *under: Classifier) -> Cascade:
    """A selector that predicts `birds` and `rain` for silence, and returns `value` for loud audio."""
    bundle = hostile.write_network(folder, hostile.wrong_when_loud(value))
    return Cascade([Classifier(bundle.manifest, load_network(bundle)), *under])


def batch(*windows: Float32, rates_hz: tuple[int | None, ...] = ()) -> WindowBatch:
    return WindowBatch(
        channels=tuple(f"s:out_{number}" for number in range(len(windows))),
        samples=np.stack(windows),
        rate_hz=SPEC.rate_hz,
        start_frame=0,
        starts=(datetime(2026, 5, 1, tzinfo=UTC),) * len(windows),
        gap_frames=(0,) * len(windows),
        source_rates_hz=rates_hz,
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e30, -2.0, 1.1])
def test_invalid_probabilities_are_left_out_of_those_windows_only(tmp_path: Path, value: float) -> None:
    pipeline = Pipeline(cascade(tmp_path, value))
    quiet, loud, again = pipeline.analyze(batch(QUIET, LOUD, QUIET))
    assert quiet.probabilities == again.probabilities == pytest.approx({"birds": 0.9, "rain": 0.9})
    assert quiet.left_out == again.left_out == ()
    assert loud.probabilities == {}
    assert loud.result == (UNKNOWN,)
    assert loud.left_out == ("selector",)
    assert loud.state is ChannelState.LISTENING


def test_an_error_of_a_classifier_is_reported_once_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = Pipeline(cascade(tmp_path, float("nan")))
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            pipeline.analyze(batch(LOUD, QUIET, LOUD))
    (record,) = caplog.records
    assert "selector returns nan" in record.getMessage()
    assert pipeline.classifier_errors == {"selector": 10}
    assert "selector" in pipeline.failing["selector"]
    assert "10 windows" in pipeline.failing["selector"]


def test_a_classifier_without_errors_is_not_counted(tmp_path: Path) -> None:
    pipeline = Pipeline(cascade(tmp_path, 1.0))
    pipeline.analyze(batch(LOUD, QUIET))
    assert pipeline.classifier_errors == {}
    assert pipeline.failing == {}


def test_the_children_of_a_faulty_classifier_are_left_out_with_it(tmp_path: Path) -> None:
    found = cascade(tmp_path, float("nan"), flat("birds", "owl", "crow")).classify(
        np.stack([LOUD, QUIET]), SPEC.rate_hz
    )
    assert found[0].probabilities == {}
    assert set(found[1].probabilities) == {"birds", "rain", "owl", "crow"}


def test_a_faulty_expert_leaves_its_parent_standing(tmp_path: Path) -> None:
    classes = {"owl": 0.5, "crow": 0.5}
    bundle = hostile.write_network(tmp_path, hostile.wrong_when_loud(float("inf")), name="birds")
    manifest = bundle.manifest.model_copy(update={"classes": tuple(classes), "thresholds": classes})
    manifest = manifest.model_copy(update={"labels": flat("birds", *classes).manifest.labels})
    whole = Cascade([flat("selector", "birds"), Classifier(manifest, load_network(bundle))], gate=0.0)
    loud, quiet = whole.classify(np.stack([LOUD, QUIET]), SPEC.rate_hz)
    assert set(loud.probabilities) == {"birds"}
    assert loud.left_out == ("birds",)
    assert set(quiet.probabilities) == {"birds", "owl", "crow"}
    assert decide(loud.probabilities, {"birds": 0.0}, whole.labels) == ("birds",)


class Failing:
    """A network that raises on what is loud, as a graph does whose shapes depend on its input."""

    input_shape = (None, *SPEC.shape)

    def predict(self, features: Float32) -> Float32:
        if features.max() > -50:
            raise RuntimeError("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : no such\x1b[31m shape\nmore")
        return np.full((len(features), 1), 0.9, np.float32)


def test_a_network_that_fails_on_loud_audio_does_not_end_the_analysis() -> None:
    whole = Cascade([replace(flat("selector", "birds"), network=Failing())])
    assert [found.left_out for found in whole.classify(np.stack([LOUD, QUIET]), SPEC.rate_hz)] == 2 * [("selector",)]
    assert whole.classify(QUIET[None], SPEC.rate_hz)[0].probabilities == {"birds": pytest.approx(0.9)}
    assert whole.output_check.counts == {"selector": 2}
    assert whole.output_check.recent()["selector"].isprintable()


def test_a_network_whose_rows_depend_on_the_input_is_contained(tmp_path: Path) -> None:
    nodes = [
        *hostile.levels(),
        helper.make_node("Sigmoid", ["levels"], ["fine"]),
        helper.make_node("ReduceMax", ["levels"], ["loudest"], keepdims=0),
        helper.make_node("Greater", ["loudest", "limit"], ["loud"]),
        helper.make_node("Where", ["loud", "one", "all"], ["end"]),
        helper.make_node("Slice", ["fine", "begin", "end"], ["probabilities"]),
    ]
    constants = hostile.BANDS | {
        "limit": np.array(-90, np.float32),
        "one": np.array([0], np.int64),
        "all": np.array([2**62], np.int64),
        "begin": np.array([0], np.int64),
    }
    bundle = hostile.write_network(tmp_path, hostile.model(nodes, constants))
    whole = Cascade([Classifier(bundle.manifest, load_network(bundle))])
    assert [found.left_out for found in whole.classify(np.stack([LOUD, QUIET]), SPEC.rate_hz)] == 2 * [("selector",)]
    assert whole.classify(QUIET[None], SPEC.rate_hz)[0].left_out == ()


def test_a_network_that_never_ends_on_loud_audio_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = hostile.write_network(tmp_path, hostile.loops_when_loud())
    whole = Cascade([Classifier(bundle.manifest, load_network(bundle))])
    assert whole.classify(QUIET[None], SPEC.rate_hz)[0].left_out == ()
    monkeypatch.setattr(bounds, "BASE_S", 0.5)
    assert whole.classify(LOUD[None], SPEC.rate_hz)[0].left_out == ("selector",)
    assert "took more than 1 s for 1 window" in whole.output_check.recent()["selector"]
    assert whole.classify(LOUD[None], SPEC.rate_hz)[0].left_out == ("selector",)
    assert "is not run again" in whole.output_check.recent()["selector"]
    assert whole.output_check.counts == {"selector": 2}


def test_a_network_that_allocates_a_terabyte_does_not_end_the_analysis(tmp_path: Path) -> None:
    bundle = hostile.write_network(tmp_path, hostile.allocates_when_loud())
    whole = Cascade([Classifier(bundle.manifest, load_network(bundle))])
    for window, left_out in ((QUIET, ()), (LOUD, ("selector",)), (QUIET, ())):
        assert whole.classify(window[None], SPEC.rate_hz)[0].left_out == left_out


def test_a_source_that_lacks_band_is_classified_nevertheless() -> None:
    pipeline = Pipeline(Cascade([flat("selector", "birds")], gate=0.0))
    narrow, full = pipeline.analyze(batch(LOUD, LOUD, rates_hz=(4000, 8000)))
    assert narrow.state is ChannelState.BAND_LIMITED
    assert (narrow.left_out, narrow.probabilities) == ((), full.probabilities)


def test_audio_at_a_rate_below_that_of_a_classifier_is_classified_nevertheless() -> None:
    pipeline = Pipeline(Cascade([flat("selector", "birds")], gate=0.0))
    (found,) = pipeline.analyze(replace(batch(LOUD[::2]), rate_hz=SPEC.rate_hz // 2))
    assert (found.state, set(found.probabilities)) == (ChannelState.BAND_LIMITED, {"birds"})


def test_a_strict_pipeline_does_not_classify_a_source_that_lacks_band() -> None:
    pipeline = Pipeline(Cascade([flat("selector", "birds")], gate=0.0), strict=True)
    narrow, full, unknown = pipeline.analyze(batch(LOUD, LOUD, LOUD, rates_hz=(7999, 8000, None)))
    assert narrow.state is ChannelState.BAND_LIMITED
    assert narrow.left_out == ("selector",)
    assert narrow.probabilities == {}
    assert narrow.result == (UNKNOWN,)
    assert full == replace(unknown, channel=full.channel)
    assert full.state is ChannelState.LISTENING
    assert set(full.probabilities) == {"birds"}


def test_only_the_experts_that_need_more_band_are_left_out() -> None:
    wide = replace(SPEC, rate_hz=16000, fmax_hz=8000.0)
    whole = Cascade([flat("selector", "birds"), flat("birds", "owl", spec=wide)], gate=0.0)
    windows = np.random.default_rng(0).normal(0, 0.1, (2, round(SPEC.window_s * 16000))).astype(np.float32)
    narrow, full = whole.classify(windows, 16000, [8000, 16000])
    assert set(narrow.probabilities) == {"birds"}
    assert narrow.left_out == ("birds",)
    assert set(full.probabilities) == {"birds", "owl"}
    assert full.left_out == ()


def test_no_clip_is_extracted_as_unknown_of_audio_that_was_not_classified(tmp_path: Path) -> None:
    pipeline = Pipeline(Cascade([flat("selector", "birds")]), strict=True)
    windows = batch(LOUD, rates_hz=(4000,))
    settings = ClipSinkSettings(folder=tmp_path, rules=rules_of(dynamic=False))
    extractor = Extractor(settings, labels=pipeline.labels, node="garden")
    extractor.cut(AnalyzedBatch(windows, pipeline.analyze(windows)))
    assert extractor.finish() == []
