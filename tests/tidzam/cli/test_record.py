"""`tidzam record`: what it records, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner, Result

from tests.support.console import TOKEN
from tests.support.sound import tone
from tests.support.source_server import source_server
from tidzam.cli.__main__ import app
from tidzam.cli.record import _DEVICE


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["record", *words], env={"COLUMNS": "120"})


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The home of a node whose stream manager runs and has the source `wren`, which does not play."""
    home, media = tmp_path / "home", tmp_path / "media"
    home.mkdir()
    media.mkdir()
    soundfile.write(media / "wren.flac", tone(440, duration_s=1), 44100)
    (home / "token").write_text(TOKEN)
    (home / "token").chmod(0o600)
    with source_server(media) as url:
        (home / "profile.yaml").write_text(json.dumps({"stream_manager": {"port": int(url.rpartition(":")[2])}}))
        yield home


def test_a_file_is_recorded_as_if_it_were_a_microphone(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "wren.flac", tone(440, duration_s=0.6), 44100)
    done = run("--sources", f"desk={tmp_path / 'wren.flac'}", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert [path.name[:5] for path in (tmp_path / "out").glob("*.flac")][:1] == ["desk-"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name something to record"),
        (("--sources", "a=/nowhere.wav"), "There is no file /nowhere.wav"),
        (("--sources", "a/b=hw:1"), "may only contain"),
        (("--devices", "hw:1,hw:1"), "named twice"),
        (("--sources", "pond", "--devices", "hw:1"), "by two commands"),
    ],
)
def test_what_cannot_be_recorded_is_refused(words: tuple[str, ...], message: str) -> None:
    done = run(*words)
    assert done.exit_code != 0
    assert message in done.output + str(done.exception or "")


def test_a_source_that_the_node_has_not_is_refused(home: Path) -> None:
    done = run("--sources", "wrem", "--home", str(home))
    assert "has no source called 'wrem'" in str(done.exception)


@pytest.mark.parametrize(
    ("address", "is_device"),
    [("hw:1", True), ("plughw:CARD=USB,DEV=0", True), ("default", True), ("hwy.wav", False), ("defaults.flac", False)],
)
def test_the_names_of_sound_cards_are_known(address: str, is_device: bool) -> None:
    assert (_DEVICE.fullmatch(address) is not None) is is_device
