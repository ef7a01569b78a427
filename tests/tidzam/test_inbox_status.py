"""The state of the inference of an edge node, as a file in the home."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidzam.inbox_status import STATUS_FILE, InboxSinkStatus, InboxStatus


def test_what_was_written_is_read(tmp_path: Path) -> None:
    sinks = {"influxdb": InboxSinkStatus(waiting=3, errors=1, fault="it is away")}
    status = InboxStatus(
        updated="2026-05-01T06:30:00+00:00", pid=7, state="analyzing", waiting=2, oldest="a.flac", sinks=sinks
    )
    status.write(tmp_path)
    assert InboxStatus.read(tmp_path) == status
    assert [path.name for path in tmp_path.iterdir()] == [STATUS_FILE]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sinks": {}}', '{"sinks": {"a": {"b": 1}}}', "\xff"])
def test_a_damaged_file_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / STATUS_FILE).write_text(text, encoding="latin-1")
    assert InboxStatus.read(tmp_path) is None


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert InboxStatus.read(tmp_path) is None
