import shutil
from pathlib import Path

import pytest

from tests.support.audio_datasets import write_pond


@pytest.fixture(scope="session")
def written_pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pond(tmp_path_factory.mktemp("written")).folder


@pytest.fixture
def pond(written_pond: Path, tmp_path: Path) -> Path:
    """A dataset of 4 frogs, 4 rains and 4 wrens, with their audio files."""
    return Path(shutil.copytree(written_pond, tmp_path / "pond"))
