"""The settings of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidzam.config import load_settings
from tidzam.config.recording import KeepSettings, RecordSettings
from tidzam.errors import ConfigError


@pytest.mark.parametrize(
    ("settings", "length_s"),
    [({}, 600), ({"length_s": 60}, 60), ({"mode": "segments"}, 3), ({"mode": "segments", "length_s": 5}, 5)],
)
def test_the_length_of_a_file_depends_on_the_mode(settings: dict[str, object], length_s: int) -> None:
    assert RecordSettings.model_validate({"path": "r", **settings}).file_length_s == length_s


def test_only_a_limit_deletes() -> None:
    assert not KeepSettings().deletes
    assert KeepSettings(days=1).deletes


def profile(folder: Path, record: str, source: str = "url: a.wav") -> Path:
    path = folder / "profile.yaml"
    path.write_text(f"sources:\n  - name: pond\n    {source}\n    record: {record}\n", encoding="utf-8")
    return path


def test_the_folder_is_relative_to_the_profile(tmp_path: Path) -> None:
    (source,) = load_settings(profile(tmp_path, "{path: recordings}")).sources
    assert source.record is not None
    assert source.record.path == tmp_path / "recordings"


@pytest.mark.parametrize(
    ("record", "source", "message"),
    [
        ("{path: r, format: mp3}", "url: a.wav", "mp3"),
        ("{path: r, keep: {day: 3}}", "url: a.wav", "days"),
        ("{path: r, mode: segments, length_s: 600}", "url: a.wav", "held in memory"),
        ("{path: r}", "{url: 'http://h/a.ogg', format: copy}", "cannot be recorded"),
    ],
)
def test_mistakes_are_reported(tmp_path: Path, record: str, source: str, message: str) -> None:
    path = profile(tmp_path, record, source.strip("{}").replace(", ", "\n    "))
    with pytest.raises(ConfigError, match=message):
        load_settings(path)
