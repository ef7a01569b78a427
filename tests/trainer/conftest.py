"""Fixtures of the tests of the trainer."""

from pathlib import Path

import pytest

from tests.support.training import write_tone_folders


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tone_folders(tmp_path_factory.mktemp("tones"))
