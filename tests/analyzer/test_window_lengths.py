"""A cascade of windows of 0.5, 1 and 3 s at three rates: live analysis, with a ring that the test fills, and a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from analyzer.capture.events import Clock, Opened
from analyzer.clips.extractor import Extractor
from analyzer.detections import DetectionStages
from analyzer.files.analysis import FileAnalysis
from analyzer.live.capture_session import CaptureSession, ring_length_s
from analyzer.pipeline import Pipeline
from tests.support.bundles import SPEC, tone_manifest, write_tone_bundle
from tests.support.ring_source import ring_source
from tests.support.sound import tone
from tests.support.waveform_models import INPUT, LABELS, write_onnx
from tidzam.audio.files import open_audio
from tidzam.bundle import write_bundle
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.jack.ring import CLOCK
from tidzam.labels import LabelTree
from tidzam.results import Analysis, AnalyzedBatch, Detection
from tidzam.types import Float32

RATE_HZ, PERIOD = 24000, 1000
FIRST_FRAME = 48 * 3600 * RATE_HZ
"""A multiple of every hop and interval."""


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A selector of 1 s with an expert of 3 s, and beside it a root of 0.5 s that takes a waveform of 8 kHz."""
    folder = tmp_path_factory.mktemp("nn")
    write_tone_bundle(folder, "selector", {"birds": (2500.0, 5000.0), "rain": (900.0,)})
    longer = replace(SPEC, window_s=3.0)
    write_tone_bundle(folder, "birds", {"owl": (2500.0,), "wren": (5000.0,)}, features=longer)
    manifest = tone_manifest("hums", LABELS).model_copy(
        update={"features": None, "waveform": INPUT, "output": "logits", "root": True, "hop_s": INPUT.window_s}
    )
    write_bundle(folder / "hums", manifest, {"onnx": write_onnx(folder / "hums.onnx")})
    return folder


@pytest.fixture(scope="module")
def sound() -> Float32:
    """28 s of two channels, shape (frames, 2): calls that begin and end anywhere, and 4 s of silence.

    A file has an end, at which longer classifiers may run once more: it is silent.
    """
    parts = [np.zeros((28 * RATE_HZ, 2), np.float32)]
    for at_s, lasts_s, hz, channel in (
        (0.3, 4.0, 2500.0, 0),
        (5.7, 1.0, 5000.0, 0),
        (9.1, 6.2, 2500.0, 1),
        (9.6, 1.8, 900.0, 0),
        (12.4, 3.0, 440.0, 0),
        (16.2, 7.6, 5000.0, 1),
    ):
        part = np.zeros_like(parts[0])
        first = round(at_s * RATE_HZ)
        call = tone(hz, rate_hz=RATE_HZ, duration_s=lasts_s)
        part[first : first + len(call), channel] = call
        parts.append(part)
    mixed: Float32 = np.sum(parts, axis=0, dtype=np.float32)
    return mixed


def settings_of(nn: Path, overlap: float) -> AnalyzerSettings:
    return AnalyzerSettings.model_validate({"nn": nn, "overlap": overlap})


def live(nn: Path, sound: Float32, overlap: float) -> list[AnalyzedBatch]:
    """What live analysis makes of `sound`, which begins at FIRST_FRAME."""
    settings = settings_of(nn, overlap)
    pipeline = Pipeline.of(settings)
    stages, found = DetectionStages(pipeline, settings, node="garden"), []
    with ring_source(
        lambda frames, channel: sound[frames - FIRST_FRAME, channel],
        rate_hz=RATE_HZ,
        period=PERIOD,
        ring_s=ring_length_s(pipeline.longest_window_s),
        first_frame=FIRST_FRAME,
    ) as source:
        session = CaptureSession(
            source.ring, window_s=pipeline.window_s, overlap=overlap, longest_s=pipeline.longest_window_s
        )
        session.handle(Clock(FIRST_FRAME, source.utc_s))
        for slot in range(2):
            session.handle(Opened(f"pond:out_{slot}", slot, CLOCK, FIRST_FRAME))
        for _ in range(len(sound) // PERIOD):
            source.play()
            session.new_gaps()
            while (due := session.due()) is not None:
                batch = session.read(session.channels_at(due.start), due.start)
                found.append(stages.follow(batch.without_context(), pipeline.analyze(batch)))
    return [*found, stages.last_batch()]


def offline(nn: Path, sound: Float32, overlap: float, path: Path) -> list[AnalyzedBatch]:
    """What the analysis of a file makes of it."""
    soundfile.write(path, sound, RATE_HZ, subtype="FLOAT")
    settings = settings_of(nn, overlap)
    with open_audio(path) as audio:
        return list(FileAnalysis(audio, Pipeline.of(settings), settings, channel=None).batches(node="garden", cores=2))


def analyses(batches: list[AnalyzedBatch]) -> list[Analysis]:
    return [analysis for batch in batches for analysis in batch.analyses]


def ended(batches: list[AnalyzedBatch], begin: Analysis) -> list[tuple[str, tuple[str, ...], float, float]]:
    """Class, channels, and the seconds of start and end, of all detections."""

    def row(found: Detection) -> tuple[str, tuple[str, ...], float, float]:
        start_s, end_s = (round((time - begin.start).total_seconds(), 3) for time in (found.start, found.end))
        return (found.label, tuple(sorted(found.channel_names)), start_s, end_s)

    return sorted(row(one.detection) for batch in batches for one in batch.detections if one.kind == "end")


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_live_analysis_equals_that_of_a_file(nn: Path, sound: Float32, overlap: float, tmp_path: Path) -> None:
    heard, read = live(nn, sound, overlap), offline(nn, sound, overlap, tmp_path / "pond.wav")
    ours, theirs = analyses(heard), analyses(read)
    assert {name for one in theirs for name in one.ages_s} == {"selector", "birds"}
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.channel, one.start_frame) == (other.channel, other.start_frame + FIRST_FRAME)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        assert (one.ages_s, one.waiting, one.result) == (other.ages_s, other.waiting, other.result)
    assert ended(heard, ours[0]) == ended(read, theirs[0])


def test_every_classifier_names_its_tones(nn: Path, sound: Float32, tmp_path: Path) -> None:
    batches = offline(nn, sound, 0.0, tmp_path / "pond.wav")
    found = {(label, *channels) for label, channels, _, _ in ended(batches, analyses(batches)[0])}
    assert found == {
        ("owl", "pond:out_0"),
        ("owl", "pond:out_1"),
        ("wren", "pond:out_1"),
        ("birds", "pond:out_0"),  # a call that is much shorter than the window of the expert
        ("birds", "pond:out_1"),
        ("rain", "pond:out_0"),
        ("hum", "pond:out_0"),
    }


def test_windows_are_those_of_the_shortest(nn: Path, sound: Float32, tmp_path: Path) -> None:
    batches = offline(nn, sound, 0.0, tmp_path / "pond.wav")
    assert {round(one.duration_s, 6) for one in analyses(batches)} == {0.5}


def test_a_window_is_shown_as_a_classifier_with_such_windows_hears_it(nn: Path) -> None:
    shown = Pipeline.load(nn).spectrogram(tone(440.0, rate_hz=RATE_HZ, duration_s=0.5), RATE_HZ)
    assert shown.ndim == 2


def test_batches_after_the_analysis_hold_their_windows_alone(nn: Path, sound: Float32, tmp_path: Path) -> None:
    batches = offline(nn, sound, 0.5, tmp_path / "pond.wav")
    assert {batch.batch.context is None for batch in batches} == {True}
    assert {batch.batch.samples.shape for batch in batches[:-1]} == {(2, RATE_HZ // 2)}


def test_a_clip_is_the_window_in_which_its_class_was_recognized(nn: Path, sound: Float32, tmp_path: Path) -> None:
    settings = ClipSinkSettings.model_validate({"type": "clips", "folder": tmp_path, "rules": [{"classes": ["owl"]}]})
    extractor = Extractor(settings, labels=LabelTree.flat(("owl",)), node="garden")
    clips = []
    for batch in offline(nn, sound, 0.0, tmp_path / "pond-2026-05-01-06-30-00.wav"):
        extractor.mark(batch)
        clips += extractor.cut(batch)
    first = next(clip for clip in clips if "out_1" in clip.path)
    begin_s = float(first.path[-11:-5])
    expected = sound[round(begin_s * RATE_HZ) : round((begin_s + 3.0) * RATE_HZ), 1]
    np.testing.assert_array_equal(first.samples, expected)


@pytest.mark.parametrize("cores", [1, 2])
def test_many_channels_are_analyzed_in_parts(nn: Path, sound: Float32, cores: int, tmp_path: Path) -> None:
    wide = np.tile(sound[: 8 * RATE_HZ], (1, 35))
    soundfile.write(tmp_path / "wide.wav", wide, RATE_HZ, subtype="FLOAT")
    settings = settings_of(nn, 0.0)
    with open_audio(tmp_path / "wide.wav") as audio:
        analysis = FileAnalysis(audio, Pipeline.of(settings), settings, channel=None)
        batches = list(analysis.batches(node="garden", cores=cores))
    for batch in batches[:-1]:
        for number, one in enumerate(batch.analyses):
            assert one.probabilities == pytest.approx(batch.analyses[number % 2].probabilities, abs=1e-5)
            assert one.ages_s == batch.analyses[number % 2].ages_s
