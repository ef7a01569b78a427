"""Novelty bundles beside a cascade: scores of windows, detections of the class `novel`, and what names them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from analyzer.__main__ import app
from analyzer.archive.journal import fingerprint
from analyzer.detections import DetectionStages
from analyzer.files.analysis import FileAnalysis, FileReport
from analyzer.live.sample_check import SampleCheck
from analyzer.live.start import longest_window_s
from analyzer.pipeline import Pipeline
from analyzer.result_formats.base import RESULT_COLUMNS
from analyzer.sinks.base import SinkContext
from analyzer.sinks.detection_records import record_of
from tests.support.bundles import write_tone_bundle
from tests.support.novelty import RATE_HZ, noise, novelty_bundle
from tests.support.sound import tone
from tidzam.audio.files import open_audio
from tidzam.bundle import NOVEL, Bundle
from tidzam.config.load import load_settings
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import BundleError
from tidzam.inference.input_cache import InputCache
from tidzam.results import Analysis, AnalyzedBatch, WindowBatch
from tidzam.types import Float32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("novelty")
    write_tone_bundle(folder / "nn", "selector", {"owl": (2000.0,)})
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return novelty_bundle(folder)


def settings_of(folder: Path, *novelty: Bundle, **values: object) -> AnalyzerSettings:
    names = [str(one.folder) for one in novelty]
    return AnalyzerSettings.model_validate({"nn": folder / "nn", "novelty": names, **values})


def sound() -> Float32:
    """Ten seconds of noise; from 4 s to 6 s, a tone, which is an owl's."""
    samples = noise(10, seed=8)
    samples[4 * RATE_HZ : 6 * RATE_HZ] += tone(2000, rate_hz=RATE_HZ, duration_s=2.0)
    return samples


def analyzed(settings: AnalyzerSettings, samples: Float32, path: Path) -> tuple[list[AnalyzedBatch], FileReport]:
    soundfile.write(path, samples, RATE_HZ)
    with open_audio(path) as audio:
        analysis = FileAnalysis(audio, Pipeline.of(settings), settings, channel=None)
        batches = list(analysis.batches(node="garden", cores=1))
        return batches, analysis.report(sink_errors={})


def analyses_of(batches: Sequence[AnalyzedBatch]) -> list[Analysis]:
    return [analysis for batch in batches for analysis in batch.analyses]


def spans(report: FileReport, label: str) -> list[tuple[float, float]]:
    return [(row["start_s"], row["end_s"]) for row in report.detections if row["class"] == label]


def test_unusual_windows_are_a_detection(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    _, report = analyzed(settings_of(folder, bundle), sound(), tmp_path / "pond.wav")
    assert spans(report, NOVEL) == [(4.0, 6.0)]


def test_the_probability_is_the_share_of_normal_windows_that_score_lower(
    folder: Path, bundle: Bundle, tmp_path: Path
) -> None:
    _, report = analyzed(settings_of(folder, bundle), sound(), tmp_path / "pond.wav")
    (peak,) = (row["peak"] for row in report.detections if row["class"] == NOVEL)
    assert 0.95 < peak < 1


def test_its_highest_score_is_in_the_report(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    batches, report = analyzed(settings_of(folder, bundle), sound(), tmp_path / "pond.wav")
    (found,) = (row["peak_scores"] for row in report.detections if row["class"] == NOVEL)
    assert found == {"noise": round(max(one.scores["noise"] for one in analyses_of(batches)), 4)}


def test_each_window_has_a_score_by_the_name_of_the_bundle(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    batches, _ = analyzed(settings_of(folder, bundle), sound(), tmp_path / "pond.wav")
    scores = [analysis.scores["noise"] for analysis in analyses_of(batches)]
    assert set(np.argsort(scores)[-2:]) == {4, 5}


def test_the_results_of_windows_are_those_of_the_cascade(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    with_novelty, _ = analyzed(settings_of(folder, bundle), sound(), tmp_path / "pond.wav")
    without, _ = analyzed(settings_of(folder), sound(), tmp_path / "pond.wav")
    assert [replace(one, scores={}) for one in analyses_of(with_novelty)] == analyses_of(without)


def test_a_record_names_the_bundle_and_its_version(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    batches, _ = analyzed(settings_of(folder, bundle), sound(), tmp_path / "pond.wav")
    changes = [(change, batch) for batch in batches for change in batch.detections if change.detection.label == NOVEL]
    change, batch = changes[-1]
    assert batch.cascade is not None
    record = record_of(change, SinkContext(node="garden", labels=batch.cascade.labels), batch.cascade)
    assert (record.model, record.version) == ("noise", bundle.manifest.version)


def test_shorter_windows_within_one_of_the_cascade_count(folder: Path, tmp_path: Path) -> None:
    short = novelty_bundle(tmp_path, name="short", window_s=0.5)
    samples = noise(10, seed=8)
    samples[4 * RATE_HZ : 4 * RATE_HZ + RATE_HZ // 2] += tone(5000, rate_hz=RATE_HZ, duration_s=0.5)
    batches, _ = analyzed(settings_of(folder, short), samples, tmp_path / "pond.wav")
    scores = [analysis.scores["short"] for analysis in analyses_of(batches)]
    assert np.argmax(scores) == 4


def test_longer_windows_end_with_those_of_the_cascade(folder: Path, tmp_path: Path) -> None:
    long = novelty_bundle(tmp_path, name="long", window_s=2.0)
    samples = noise(10, seed=8)
    samples[4 * RATE_HZ : 4 * RATE_HZ + 4000] += tone(5000, rate_hz=RATE_HZ)[:4000]
    batches, _ = analyzed(settings_of(folder, long), samples, tmp_path / "pond.wav")
    found = analyses_of(batches)
    assert "long" not in found[0].scores  # two seconds were not heard yet
    assert set(np.argsort([one.scores.get("long", 0.0) for one in found])[-2:]) == {4, 5}
    assert longest_window_s(settings_of(folder, long)) == 2.0


def test_a_source_that_lacks_the_band_has_no_score(folder: Path, bundle: Bundle) -> None:
    pipeline = Pipeline.of(settings_of(folder, bundle))
    window = noise(1, rate_hz=RATE_HZ)[None]
    (narrow,) = pipeline.novelty.scores(window, InputCache(window, RATE_HZ), [8000])
    assert narrow == {}


@pytest.mark.parametrize("seconds", [0.09, 10.6])
def test_a_window_past_the_end_of_the_file_is_no_detection(
    folder: Path, bundle: Bundle, tmp_path: Path, seconds: float
) -> None:
    batches, report = analyzed(settings_of(folder, bundle), noise(seconds, seed=8), tmp_path / "pond.wav")
    assert analyses_of(batches)[-1].scores == {}
    assert (spans(report, NOVEL), report.scored_windows) == ([], int(seconds))


def test_a_bundle_with_longer_windows_does_not_judge_a_shorter_file(folder: Path, tmp_path: Path) -> None:
    long = novelty_bundle(tmp_path, name="long", window_s=2.0)
    _, report = analyzed(settings_of(folder, long), noise(1, seed=8), tmp_path / "pond.wav")
    assert (report.windows, report.scored_windows) == (1, 0)


def test_windows_with_lost_frames_have_no_score(folder: Path, bundle: Bundle) -> None:
    pipeline = Pipeline.of(settings_of(folder, bundle))
    samples = noise(2).reshape(2, RATE_HZ)
    batch = WindowBatch(("a", "b"), samples, RATE_HZ, 0, (datetime(2026, 5, 1, tzinfo=UTC),) * 2, (64, 0))
    assert [bool(one.scores) for one in pipeline.analyze(batch)] == [False, True]


def test_live_samples_that_are_no_audio_have_no_score(folder: Path, bundle: Bundle) -> None:
    pipeline = Pipeline.of(settings_of(folder, bundle))
    samples = noise(2).reshape(2, RATE_HZ)
    samples[1, 100] = np.nan
    batch = WindowBatch(("a", "b"), samples, RATE_HZ, 0, (datetime(2026, 5, 1, tzinfo=UTC),) * 2, (0, 0))
    assert [bool(one.scores) for one in pipeline.analyze(SampleCheck().cleaned(batch))] == [True, False]


def test_samples_of_a_file_that_are_no_audio_have_no_score(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    samples = noise(10, seed=8)
    samples[4 * RATE_HZ + 9000 : 4 * RATE_HZ + 9100] = np.inf
    path = tmp_path / "pond.wav"
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    settings = settings_of(folder, bundle)
    with open_audio(path) as audio:
        analysis = FileAnalysis(audio, Pipeline.of(settings), settings, channel=None)
        found = analyses_of(list(analysis.batches(node="garden", cores=1)))
    assert [number for number, one in enumerate(found) if not one.scores] == [4]


def test_open_detections_end_with_their_bundle(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    settings = settings_of(folder, bundle)
    before, after = Pipeline.of(settings), Pipeline.of(settings_of(folder))
    stages = DetectionStages(before, settings, node="garden")
    batches, _ = analyzed(settings, sound()[: 5 * RATE_HZ], tmp_path / "pond.wav")
    for one in batches[:5]:
        stages.follow(one.batch, one.analyses)
    stages.use(after)
    ended = stages.last_batch().detections
    assert [change.kind for change in ended if change.detection.label == NOVEL] == ["end"]


def test_a_novelty_bundle_is_no_classifier(bundle: Bundle) -> None:
    with pytest.raises(BundleError) as error:
        Pipeline.of(AnalyzerSettings(nn=bundle.folder))
    assert error.value.code == "bundle_novelty"


def test_a_classifier_is_no_novelty_bundle(folder: Path) -> None:
    settings = AnalyzerSettings(nn=folder / "nn", novelty=(str(folder / "nn" / "selector"),))
    with pytest.raises(BundleError) as error:
        Pipeline.of(settings)
    assert error.value.code == "bundle_novelty"


def test_a_class_of_the_same_name_is_refused(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    write_tone_bundle(tmp_path, "selector", {NOVEL: (2000.0,)})
    with pytest.raises(BundleError, match="which is the label of unusual sound"):
        Pipeline.of(settings_of(tmp_path, bundle, nn=tmp_path))


def test_another_novelty_bundle_makes_other_results(folder: Path, bundle: Bundle) -> None:
    assert fingerprint(settings_of(folder, bundle)) != fingerprint(settings_of(folder))


def test_folders_are_relative_to_the_profile(tmp_path: Path) -> None:
    profile = tmp_path / "node.yaml"
    profile.write_text("analyzer: {novelty: [./models/pond, meadow]}\n")
    assert load_settings(profile).analyzer.novelty == (str(tmp_path / "models" / "pond"), "meadow")


def test_predictions_say_which_files_are_anomalies(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    for name, samples in (("a.wav", sound()), ("b.wav", noise(10, seed=8))):
        soundfile.write(tmp_path / name, samples, RATE_HZ)
    out = tmp_path / "predictions.csv"
    files = [str(tmp_path / name) for name in ("a.wav", "b.wav")]
    words = ["--stream", *files, "--nn", str(folder / "nn"), "--novelty", str(bundle.folder), "--jobs", "1"]
    found = CliRunner().invoke(app, [*words, "--results", f"predictions:{out}"])
    assert found.exit_code == 0, found.output
    with out.open() as file:
        assert list(csv.reader(file)) == [[files[0], "anomaly"], [files[1], "normal"]]


def test_of_the_files_of_results_json_lines_have_scores_and_tables_have_the_usual_columns(
    folder: Path, bundle: Bundle, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", sound(), RATE_HZ)
    words = ["--stream", str(tmp_path / "a.wav"), str(tmp_path / "a.wav"), "--nn", str(folder / "nn"), "--jobs", "1"]
    written = [f"{name}:{tmp_path / name}" for name in ("jsonl", "csv", "parquet")]
    options = [word for target in written for word in ("--results", target)]
    found = CliRunner().invoke(app, [*words, "--novelty", str(bundle.folder), *options])
    assert found.exit_code == 0, found.output
    rows = [json.loads(line) for line in (tmp_path / "jsonl").read_text().splitlines()]
    assert all(0 < row["peak_scores"]["noise"] < 1 for row in rows if row["class"] == NOVEL)
    with (tmp_path / "csv").open() as file:
        table = list(csv.DictReader(file))
    assert (tuple(table[0]), len(table)) == (RESULT_COLUMNS, len(rows))


def test_a_file_without_a_score_is_neither_and_the_bundle_is_named(
    folder: Path, bundle: Bundle, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", noise(3, rate_hz=8000), 8000)
    out = tmp_path / "predictions.csv"
    words = ["--stream", str(tmp_path / "a.wav"), str(tmp_path / "a.wav"), "--nn", str(folder / "nn"), "--jobs", "1"]
    found = CliRunner().invoke(app, [*words, "--novelty", str(bundle.folder), "--results", f"predictions:{out}"])
    assert found.exit_code == 0, found.output
    assert {line.rpartition(",")[2] for line in out.read_text().splitlines()} == {"unknown"}
    assert "not scored by novelty bundle noise" in " ".join(found.output.split())


def test_predictions_need_a_novelty_bundle(folder: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(2), RATE_HZ)
    words = ["--stream", str(tmp_path / "a.wav"), "--nn", str(folder / "nn")]
    found = CliRunner().invoke(app, [*words, "--results", f"predictions:{tmp_path / 'predictions.csv'}"])
    assert found.exit_code != 0
    assert "need a novelty bundle" in str(found.exception)
