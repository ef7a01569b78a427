from pathlib import Path

import pytest

from tests.support.database_tool import noise


@pytest.fixture
def sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Audio folders of two classes, 5 and 3 files of 2 s, below the working directory."""
    monkeypatch.chdir(tmp_path)
    for label, count in (("frog", 5), ("rain", 3)):
        for number in range(count):
            noise(tmp_path / "sounds" / label / f"{label}{number}.wav")
    return tmp_path / "sounds"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
