"""Privacy in the analysis of files: no clip with speech is kept, and nothing is analyzed without the detector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from analyzer.archive.run import ArchiveOptions, run_archive
from analyzer.clips.clip_file import read_tags
from analyzer.file_runner import FileOptions, run_file
from tests.support.bundles import write_tone_bundle
from tests.support.silero import silero_home
from tests.support.sound import tone
from tests.support.speech import with_speech
from tidzam.config.clips import ClipRule
from tidzam.config.privacy import PrivacySettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import SetupError

RATE_HZ = 44100
SPEECH_S = [6.2]


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nn")
    write_tone_bundle(folder, "selector", {"birds": (5000.0,), "rain": (500.0,)})
    return folder


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 s of a bird on two channels; a person speaks at 6 s near the first microphone."""
    path = tmp_path_factory.mktemp("pond") / "pond-2026-05-01-06-30-00.flac"
    bird = tone(5000.0, rate_hz=RATE_HZ, duration_s=16.0, amplitude=0.05)
    mixed, _ = with_speech(bird, RATE_HZ, starts_s=SPEECH_S, snr_db=12)
    soundfile.write(path, np.stack([mixed, bird], axis=1), RATE_HZ)
    return path


def analyzer_settings(nn: Path, clips: Path, **privacy: Any) -> AnalyzerSettings:
    sink = ClipSinkSettings(folder=clips, rules=(ClipRule(rate=1.0),))
    return AnalyzerSettings(nn=nn, sinks=(sink,), privacy=PrivacySettings(**privacy))


def seconds(clips: Path, channel: int) -> set[int]:
    """The seconds in which the clips of a channel begin."""
    return {int(path.stem[-6:-4]) for path in clips.rglob(f"pond-out_{channel}_*.flac")}


def analyzed(path: Path, settings: AnalyzerSettings) -> None:
    assert run_file(FileOptions(path=path, settings=settings, node="garden", home=silero_home(), as_json=True)) == 0


def test_no_clip_with_speech_is_kept_on_any_channel_of_the_recording(nn: Path, pond: Path, tmp_path: Path) -> None:
    analyzed(pond, analyzer_settings(nn, tmp_path, detector="silero-vad"))
    for channel in (0, 1):
        assert not seconds(tmp_path, channel) & {5, 6, 7, 8, 9}
        assert seconds(tmp_path, channel) >= {0, 1, 2, 3, 13, 14, 15}


def test_only_the_channel_with_speech_is_concerned_if_set(nn: Path, pond: Path, tmp_path: Path) -> None:
    analyzed(pond, analyzer_settings(nn, tmp_path, detector="silero-vad", scope="channel"))
    assert seconds(tmp_path, 1) == set(range(16))
    assert not seconds(tmp_path, 0) & {5, 6, 7, 8, 9}


def test_muted_clips_say_where_they_are_silent(nn: Path, pond: Path, tmp_path: Path) -> None:
    analyzed(pond, analyzer_settings(nn, tmp_path, detector="silero-vad", action="mute"))
    (spoken,) = tmp_path.rglob("pond-out_0_2026-05-01-06-30-07*.flac")
    assert read_tags(spoken)["muted_s"] == [[0.0, 1.0]]
    assert not soundfile.read(spoken)[0].any()


def test_an_archive_is_as_private_as_a_file(nn: Path, pond: Path, tmp_path: Path) -> None:
    settings = analyzer_settings(nn, tmp_path, detector="silero-vad")
    options = ArchiveOptions(given=(str(pond.parent),), settings=settings, node="garden", home=silero_home(), jobs=1)
    assert run_archive(options) == 0
    assert not seconds(tmp_path, 0) & {5, 6, 7, 8, 9}
    assert seconds(tmp_path, 0) >= {0, 1, 2, 3, 13, 14, 15}


def test_a_class_of_the_classifiers_may_be_what_is_private(nn: Path, tmp_path: Path) -> None:
    path, clips = tmp_path / "pond-2026-05-01-06-30-00.wav", tmp_path / "clips"
    pieces = [tone(hz, rate_hz=RATE_HZ, amplitude=0.9) for hz in (5000.0,) * 4 + (500.0,) + (5000.0,) * 4]
    soundfile.write(path, np.concatenate(pieces), RATE_HZ)
    analyzed(path, analyzer_settings(nn, clips, detector="class", classes=("rain",), margin_s=0.5))
    assert seconds(clips, 0) == {0, 1, 2, 6, 7, 8}


def test_nothing_is_analyzed_without_the_detector(nn: Path, pond: Path, tmp_path: Path) -> None:
    settings = analyzer_settings(nn, tmp_path / "clips", detector="silero-vad")
    with pytest.raises(SetupError, match="not installed"):
        run_file(FileOptions(path=pond, settings=settings, node="garden", home=tmp_path))


def test_detections_are_reported_as_ever(
    nn: Path, pond: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for detector in ("silero-vad", None):
        analyzed(pond, analyzer_settings(nn, tmp_path / str(detector), detector=detector))
        reports.append(json.loads(capsys.readouterr().out))
    assert reports[0]["detections"] == reports[1]["detections"]
    assert reports[1]["privacy"] is None
    counts = {row["channel"]: row for row in reports[0]["privacy"]["channels"]}
    assert counts["pond:out_0"]["speech_s"] > 2
    assert counts["pond:out_1"]["speech_s"] == 0
    assert counts["pond:out_1"]["dropped_clips"] == 16 - len(seconds(tmp_path / "silero-vad", 1))
