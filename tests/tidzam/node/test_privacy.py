"""A node that is to keep no speech is not started if it cannot detect any."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.silero import silero_home
from tidzam.config.settings import Settings
from tidzam.errors import SetupError
from tidzam.node.prepare import require_classifiers

PRIVATE = Settings.model_validate({"analyzer": {"privacy": {"detector": "silero-vad"}}})


def test_a_start_without_the_detector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="Silero VAD is not installed") as caught:
        require_classifiers(PRIVATE, tmp_path)
    assert caught.value.code == "speech_detector"


def test_a_start_with_the_detector_is_not() -> None:
    require_classifiers(PRIVATE, silero_home())
