"""Finding recordings in folders: what was read is kept for a while, and not for all folders there ever were."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.recordings import START
from tidzam.naming import recording_stem
from tidzam.recorded_sound import folder as module
from tidzam.recorded_sound.folder import RecordedFolder

LONG_AGO = datetime(2026, 5, 20, tzinfo=UTC).timestamp()


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """The folders of six days, each with a recording at noon."""
    for day in range(6):
        noon = START.replace(hour=12, minute=0) + timedelta(days=day)
        folder = tmp_path / f"{noon:%Y-%m-%d}"
        folder.mkdir()
        (folder / f"{recording_stem('pond', noon)}.flac").touch()
        os.utime(folder, (LONG_AGO, LONG_AGO))
    return tmp_path


def found(folder: Path) -> int:
    return len(RecordedFolder(folder, "pond", by_day=True).names(START, START + timedelta(days=5, hours=8)))


def test_recordings_of_several_days_are_found(days: Path) -> None:
    assert found(days) == 6


def test_the_listings_of_the_last_folders_alone_are_kept(days: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_listings", {})
    monkeypatch.setattr(module, "_MOST_LISTINGS", 3)
    assert found(days) == 6
    kept = [folder.name for folder, _ in module._listings]
    assert kept == ["2026-05-04", "2026-05-05", "2026-05-06"]
