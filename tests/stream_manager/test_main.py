"""The program's command line."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(30)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "stream_manager", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, env={"COLUMNS": "200"}, check=False)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_the_original_options(option: str) -> None:
    shown = run(option).stdout
    for name in ("buffer-size", "samplerate", "port-available", "port", "tidzam-socketio", "sources", "debug"):
        assert f"--{name} " in shown
    for default in ("100", "44100", "10", "8080", "localhost:8001"):
        assert default in shown


@pytest.mark.parametrize("page", ["cli", "configuration", "protocol", "errors"])
def test_no_generated_page_announces_what_does_not_exist(page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert re.findall(r"(?i)to come\b|not (?:implemented|supported|used|available) yet|in a later version", text) == []


def test_a_port_in_use_is_reported_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("--port", str(taken.getsockname()[1]))
    assert ended.returncode == 1
    assert ended.stderr.startswith("stream_manager: Port ")
    assert ended.stderr.count("\n") == 1


def test_an_error_in_the_sources_is_reported_with_its_position(tmp_path: Path) -> None:
    path = tmp_path / "sources.json"
    path.write_text(json.dumps({"sources": [{"name": "pond", "ulr": "http://h/x"}]}))
    ended = run("--sources", str(path))
    assert ended.returncode == 1
    assert "url" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_option_is_a_usage_error() -> None:
    assert run("--port", "99999").returncode == 2
