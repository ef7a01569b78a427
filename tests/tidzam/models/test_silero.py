"""Adding Silero VAD: only the known file is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.silero import silero_home
from tidzam.errors import BundleError, SetupError
from tidzam.models.silero import LICENSE_FILE, add_silero
from tidzam.paths import DETECTORS
from tidzam.speech.silero import FILE, NAME, SileroNetwork


def test_the_license_lies_beside_the_network() -> None:
    text = (silero_home() / DETECTORS / NAME / LICENSE_FILE).read_text(encoding="utf-8")
    assert text.startswith("MIT License")


def test_a_changed_file_of_the_package_is_refused(tmp_path: Path) -> None:
    def fetch(requirement: str, target: Path) -> None:
        data = target / "silero_vad" / "data"
        data.mkdir(parents=True)
        (data / FILE).write_bytes(b"something else")

    with pytest.raises(BundleError) as caught:
        add_silero(tmp_path, fetch=fetch)
    assert caught.value.code == "bundle_checksum"
    assert not (tmp_path / NAME).exists()


def test_a_file_that_was_changed_later_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"something else")
    with pytest.raises(SetupError) as caught:
        SileroNetwork(tmp_path / FILE)
    assert caught.value.code == "speech_detector"
