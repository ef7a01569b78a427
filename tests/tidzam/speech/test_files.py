"""Speech in a file: in a scene, and by the classifiers, where it is what the analyzer finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from analyzer.files.analysis import FileAnalysis
from analyzer.pipeline import Pipeline
from tests.support.bundles import SPEC, write_tone_bundle
from tests.support.silero import silero_home
from tests.support.sound import tone
from tests.support.speech import with_speech
from tidzam.audio.files import open_audio
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import Promotions, write_promotions
from tidzam.config.privacy import PrivacySettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.demo.render import render
from tidzam.demo.wetland import wetland
from tidzam.speech.files import speech_in
from tidzam.speech_times import merged
from tidzam.types import Float32

RATE_HZ = 44100


@pytest.fixture
def sound() -> Float32:
    """Nine seconds of a bird, rain in the fifth."""
    pieces = [tone(hz, rate_hz=RATE_HZ, amplitude=0.5) for hz in (5000.0,) * 4 + (500.0,) + (5000.0,) * 4]
    return np.concatenate(pieces)[:, None]


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_it_is_what_the_analyzer_finds(tmp_path: Path, sound: Float32, overlap: float) -> None:
    write_tone_bundle(tmp_path / "nn", "selector", {"birds": (5000.0,), "rain": (500.0,)})
    privacy = PrivacySettings(detector="class", classes=("rain",))
    settings = AnalyzerSettings(nn=tmp_path / "nn", privacy=privacy, overlap=overlap)
    path = tmp_path / "pond.wav"
    soundfile.write(path, sound, RATE_HZ, subtype="FLOAT")
    with open_audio(path) as audio:
        analysis = FileAnalysis(audio, Pipeline.of(settings), settings, channel=None)
        statements = [analyzed.speech for analyzed in analysis.batches(node="garden")]
    expected = merged(
        interval for known in statements if known is not None for one in known.fresh for interval in one.speech
    )
    assert expected
    assert speech_in([sound], RATE_HZ, settings, home=None) == [expected]


@pytest.mark.parametrize("fault", ["gone", "damaged", "without the class"])
def test_classifiers_that_were_promoted_and_cannot_be_used_are_replaced_by_those_of_the_settings(
    tmp_path: Path, sound: Float32, fault: str
) -> None:
    write_tone_bundle(tmp_path / "nn", "selector", {"birds": (5000.0,), "rain": (500.0,)})
    if fault != "gone":
        write_tone_bundle(tmp_path / "other", "selector", {"birds": (5000.0,)})
    if fault == "damaged":
        (tmp_path / "other" / "selector" / "model.onnx").write_bytes(b"x")
    settings = AnalyzerSettings(nn=tmp_path / "nn", privacy=PrivacySettings(detector="class", classes=("rain",)))
    promoted = CascadeChoice(tmp_path / "other")
    log = Promotions.none(CascadeChoice(settings.nn)).promoted(promoted, {}, before={}, now=datetime.now(UTC))
    write_promotions(tmp_path, log)
    assert speech_in([sound], RATE_HZ, settings, home=tmp_path) == speech_in([sound], RATE_HZ, settings, home=None)


def test_the_end_of_a_file_is_heard_by_classifiers_with_longer_windows(tmp_path: Path) -> None:
    write_tone_bundle(tmp_path, "selector", {"birds": (2500.0, 5000.0), "rain": (500.0,)})
    longer = replace(SPEC, window_s=3.0)
    write_tone_bundle(tmp_path, "birds", {"owl": (2500.0,), "wren": (5000.0,)}, features=longer)
    settings = AnalyzerSettings(nn=tmp_path, privacy=PrivacySettings(detector="class", classes=("owl",)))
    wren = tone(5000.0, rate_hz=RATE_HZ, duration_s=5.0, amplitude=0.5)[:, None]
    assert speech_in([wren], RATE_HZ, settings, home=None) == [()]


@pytest.fixture(scope="module")
def wetland_with_speech() -> tuple[Float32, list[tuple[float, float]]]:
    """A minute of the demo's wetland at the pond, with a sentence every nine seconds, 6 dB above its mean level."""
    scene = wetland(3001, duration_s=60.0, channels=2)
    starts_s = [3.0 + 9 * number for number in range(6)]
    return with_speech(render(scene).samples[1], scene.rate_hz, starts_s=starts_s, snr_db=6)


def found_in(samples: Float32) -> NDArray[np.bool_]:
    """Which samples of a scene are speech, by silero-vad."""
    settings = AnalyzerSettings(privacy=PrivacySettings(detector="silero-vad"))
    (speech,) = speech_in([samples[:, None]], RATE_HZ, settings, home=silero_home())
    found = np.zeros(len(samples), np.bool_)
    for first, last in speech:
        found[first:last] = True
    return found


def test_speech_in_a_scene_is_found_to_its_edges(
    wetland_with_speech: tuple[Float32, list[tuple[float, float]]],
) -> None:
    samples, spans = wetland_with_speech
    found = found_in(samples)
    shares = [found[round(first_s * RATE_HZ) : round(last_s * RATE_HZ)].mean() for first_s, last_s in spans]
    assert min(shares) > 0.9


def test_little_else_is_taken_for_speech(wetland_with_speech: tuple[Float32, list[tuple[float, float]]]) -> None:
    samples, spans = wetland_with_speech
    other = np.ones(len(samples), np.bool_)
    for first_s, last_s in spans:
        other[round((first_s - 0.5) * RATE_HZ) : round((last_s + 1.0) * RATE_HZ)] = False
    assert found_in(samples)[other].mean() < 0.1
