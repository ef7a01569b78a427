"""A package that adds a sink, as docs/extending.md describes it, in a node that `tidzam start` runs."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually
from tests.support.node import Node
from tests.support.sound import tone

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


def example(language: str, marker: str) -> str:
    """The code block of the page that contains `marker`."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (found,) = (block for block in blocks if marker in block)
    return str(found)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's package, installed in a folder on the path of every program of the node."""
    metadata = tmp_path / "site" / "journal_sink-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: journal-sink\nVersion: 1.0\n")
    setup = ConfigParser()
    setup.read_string(example("ini", "tidzam.sinks"))
    (metadata / "entry_points.txt").write_text(f"[tidzam.sinks]{setup['options.entry_points']['tidzam.sinks']}\n")
    (tmp_path / "site" / "journal_sink.py").write_text(example("python", "class JournalSink"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


def node(folder: Path, *sinks: dict[str, Any]) -> Node:
    """A node with a tone as its source, a classifier for it, and sinks."""
    soundfile.write(folder / "tone.wav", tone(440.0, duration_s=5.0, amplitude=0.9), 44100)
    write_tone_bundle(folder / "nn", "selector", {"low": (440.0,)})
    source = {"name": "pond", "url": str(folder / "tone.wav"), "loop": True}
    return Node(folder, [source], analyzer={"nn": "nn", "sinks": list(sinks)}, node={"name": "garden"})


@pytest.mark.timeout(180)
def test_the_sink_of_an_installed_package_runs_in_a_node(package: None, tmp_path: Path) -> None:
    failing = {"type": "csv", "path": "/dev/full"}
    running = node(tmp_path, {"type": "journal", "path": "journal.txt"}, failing)
    started = running.start()
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        journal = tmp_path / "journal.txt"
        eventually(lambda: journal.exists() and journal.read_text(), what="a line in the journal")
        assert re.fullmatch(r"\S+\+00:00 garden pond:out_0 low", journal.read_text().splitlines()[0])
        status = running.run("status")
        assert status.returncode == 0, status.stdout
        assert "The analyzer's sink csv fails" in status.stdout
        health = running.health("analyzer")
        assert {sink["name"]: sink["errors"] > 0 for sink in health["detail"]["sinks"]} == {
            "socketio": False,
            "journal": False,
            "csv": True,
            "store": False,
        }
    finally:
        running.stop()


def test_invalid_settings_of_a_packages_sink_keep_the_node_from_starting(package: None, tmp_path: Path) -> None:
    refused = node(tmp_path, {"type": "journal", "pth": "journal.txt"}).start()
    assert refused.returncode == 1
    assert re.search(r"profile\.yaml:\d+: analyzer\.sinks\.0\.pth: .*Did you mean 'path'\?", refused.stderr)


def test_an_unknown_sink_keeps_the_node_from_starting(tmp_path: Path) -> None:
    refused = node(tmp_path, {"type": "jornal"}).start()
    assert refused.returncode == 1
    assert "there is no sink 'jornal'" in refused.stderr
