"""The file that keeps clients' permanent sources."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_manager.source_registry import FORMER_CLIENT, SourceEntry
from stream_manager.state_file import read_state, state_path, write_state
from tidzam.config import Settings, SourceSettings
from tidzam.config.settings import StreamManagerSettings

POND = SourceEntry(
    SourceSettings(name="pond", url="http://user:secret@h/pond.ogg", channels=("1", "0")), FORMER_CLIENT, trusted=True
)
FIELD = SourceEntry(SourceSettings(name="field", url="field.flac", loop=True), FORMER_CLIENT, trusted=False)
GOOD_ROW = {"name": "pond", "url": "pond.flac"}


def test_sources_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "home" / "state.json"
    write_state(path, (POND, FIELD))
    write_state(path, (FIELD, POND))
    assert read_state(path) == (FIELD, POND)
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_no_file_means_no_sources(tmp_path: Path) -> None:
    assert read_state(tmp_path / "none.json") == ()


def test_only_the_owner_may_read_the_addresses(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("readable by everybody")
    path.chmod(0o644)
    write_state(path, (POND,))
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\x00",
        b"[]",
        b"null",
        b'{"version": 2, "sources": []}',
        b'{"version": 1}',
        b'{"version": 1, "sources": {}}',
        b'{"version": 1, "sources": [], "trusted": 1}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_set_aside_with_a_warning(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert read_state(path) == ()
    assert not path.exists()
    assert (tmp_path / "state.json.damaged").read_bytes() == content
    assert "is damaged" in caplog.text


@pytest.mark.parametrize(
    "row",
    [
        7,
        {},
        {"name": "../x", "url": "secret"},
        {"name": "x", "url": "secret", "is_permanent": False},
        {"name": "x", "url": "secret", "surprise": 1},
    ],
)
def test_an_invalid_entry_affects_no_other_and_is_not_logged(
    tmp_path: Path, row: object, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"version": 1, "sources": [row, GOOD_ROW]}))
    with caplog.at_level(logging.WARNING):
        assert [source.name for source in read_state(path)] == ["pond"]
    assert (tmp_path / "state.json.damaged").exists()
    assert "source 0" in caplog.text
    assert "secret" not in caplog.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,versionsourc12 ', max_size=80).map(str.encode))
def test_any_content_can_be_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    read_state(path)


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state.json").mkdir()
    assert read_state(tmp_path / "state.json") == ()
    assert "cannot read" in caplog.text


def test_the_file_is_in_the_home_unless_the_settings_name_another(tmp_path: Path) -> None:
    assert state_path(Settings()) is None
    assert state_path(Settings(home=tmp_path)) == tmp_path / "client-sources.json"
    manager = StreamManagerSettings(port=8080, state_file=tmp_path / "other.json")
    assert state_path(Settings(home=tmp_path, stream_manager=manager)) == tmp_path / "other.json"
