"""Speech detectors of other packages: the example of docs/extending.md, as an installed package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.sound import tone
from tests.tidzam.inference.test_extensions import install
from tidzam.config.privacy import SPEECH_DETECTORS, PrivacySettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.speech.files import speech_in

RATE_HZ = 44100


def test_an_installed_detector_says_where_somebody_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("A speech detector", SPEECH_DETECTORS, tmp_path, monkeypatch)
    sound = np.concatenate([tone(440.0, amplitude=level) for level in (0.01, 0.5, 0.01)])[:, None]
    settings = AnalyzerSettings(privacy=PrivacySettings.model_validate({"detector": "loudness", "threshold": 0.1}))
    assert speech_in([sound], RATE_HZ, settings, home=None) == [((RATE_HZ, 2 * RATE_HZ),)]
