"""An edge node as systemd runs it: it starts, heals, shows what it does, and ends with nothing half-done."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
import yaml
from typer.testing import CliRunner

from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually
from tests.support.sound import tone
from tidzam.cli.__main__ import app
from tidzam.edge_folders import EdgeFolders
from tidzam.node.cleanup import end_processes, node_processes
from tidzam.node.home import Home
from tidzam.node.supervisor import Supervisor

pytestmark = [pytest.mark.unit, pytest.mark.timeout(120)]  # it needs no JACK server

RATE_HZ = 44100


class EdgeNode:
    """A node that `tidzam run` started, and the messages that a service manager would receive."""

    def __init__(self, folder: Path) -> None:
        self.home, self.folders = Home(folder / "home"), EdgeFolders(folder / "home" / "audio")
        sound = folder / "hum.flac"
        soundfile.write(sound, tone(440, duration_s=2, rate_hz=RATE_HZ), RATE_HZ)
        source = {"name": "pond", "url": str(sound), "loop": True, "record": {"length_s": 2}}
        profile = folder / "profile.yaml"
        write_tone_bundle(folder / "nn", "selector", {"owl": (2000.0,), "hum": (440.0,)})
        settings = {
            "home": str(self.home.root),
            "edge": {"enabled": True, "keep": "all"},
            "analyzer": {"nn": str(folder / "nn")},
            "sources": [source],
        }
        profile.write_text(yaml.safe_dump({**settings, "check": {"hung_after_s": 6}}))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.settimeout(60)
        self._env = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "3000000"}
        self._argv = [sys.executable, "-m", "tidzam.cli", "run", "--profile", str(profile)]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.command = subprocess.Popen(self._argv, env=self._env)
        self.receives("READY=1")

    def cut_power(self) -> None:
        """End all of its processes at once."""
        self.command.kill()
        for process in node_processes(self.home):
            process.suspend()  # so that none replaces another
        for process in node_processes(self.home):
            process.kill()
        self.command.wait()

    def receives(self, message: str) -> None:
        """Wait for a message that begins so."""
        while not self._socket.recv(4096).decode().startswith(message):
            pass

    def pid(self, name: str) -> int | None:
        return next((one.pid for one in Supervisor(self.home).programs() if one.name == name), None)

    def end(self) -> None:
        self.command.kill()
        self.command.wait()
        end_processes(self.home)
        self._socket.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeNode]:
    made = EdgeNode(tmp_path_factory.mktemp("edge"))
    try:
        yield made
    finally:
        made.end()


def test_it_runs_four_programs_and_listens_on_no_port(node: EdgeNode) -> None:
    names = {one.name for one in Supervisor(node.home).programs()}
    assert names == {"recorder", "inference", "watchdog", "watchdog_guard"}
    assert not [one.net_connections("inet") for one in node_processes(node.home) if one.net_connections("inet")]


def test_files_are_recorded_analyzed_and_kept(node: EdgeNode) -> None:
    eventually(lambda: len(list(node.folders.parsed.glob("pond-*.flac"))) >= 2)
    assert soundfile.info(max(node.folders.parsed.glob("pond-*.flac"))).samplerate == RATE_HZ


def test_its_status_shows_sources_and_files(node: EdgeNode) -> None:
    done = CliRunner().invoke(app, ["status", "--json", "--home", str(node.home.root)])
    shown = json.loads(done.stdout)["edge"]
    assert done.exit_code == 0
    assert shown["recorder"]["sources"][0]["state"] == "recording"
    assert shown["inference"]["analyzed"] >= 0


@pytest.mark.parametrize("name", ["recorder", "inference"])
def test_a_suspended_program_is_replaced(node: EdgeNode, name: str) -> None:
    before = node.pid(name)
    assert before is not None
    os.kill(before, signal.SIGSTOP)
    eventually(lambda: node.pid(name) not in (before, None), within_s=30)
    analyzed = len(list(node.folders.parsed.glob("*.flac")))
    eventually(lambda: len(list(node.folders.parsed.glob("*.flac"))) > analyzed, within_s=40, what="it works again")


def parts_with_sound(node: EdgeNode) -> list[Path]:
    """Files in progress that hold more than a header."""
    return [part for part in node.folders.temp.glob(".*.part") if part.stat().st_size > 20_000]


def test_it_goes_on_after_a_power_cut_and_loses_no_file(node: EdgeNode) -> None:
    eventually(lambda: parts_with_sound(node))
    node.cut_power()
    left = {part.name.removeprefix(".").removesuffix(".part") for part in parts_with_sound(node)}
    waiting = {path.name for path in node.folders.to_parse.glob("*.flac")}
    node.start()
    wanted = waiting | left
    eventually(lambda: wanted <= {path.name for path in node.folders.parsed.iterdir()}, what="the files are analyzed")
    assert not (node.folders.rejected.exists() and list(node.folders.rejected.iterdir()))


def test_it_gives_signs_of_life(node: EdgeNode) -> None:
    node.receives("WATCHDOG=1")


def test_a_termination_stops_it_and_completes_the_file_in_progress(node: EdgeNode) -> None:
    eventually(lambda: list(node.folders.temp.glob(".*.part")))
    node.command.send_signal(signal.SIGTERM)
    node.receives("STOPPING=1")
    assert node.command.wait(60) == 0
    assert not node_processes(node.home)
    assert not list(node.folders.temp.glob(".*.part"))
    assert all(soundfile.info(path).frames for path in node.folders.root.rglob("*.flac"))
