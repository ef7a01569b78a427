"""Speech in a file by the classifiers: the same that the analyzer finds, in cascades of one or several windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from analyzer.file_analysis import FileAnalysis
from analyzer.pipeline import Pipeline
from stream_manager.privacy.judge import speech_in
from tests.support.bundles import write_tone_bundle
from tests.support.sound import tone
from tidzam.audio.files import open_audio
from tidzam.config.privacy import PrivacySettings
from tidzam.config.settings import AnalyzerSettings
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
