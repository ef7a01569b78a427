"""What can go wrong around a node: each fault is told in words, with what to do, and nothing is left behind."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.node import Node
from tidzam.node.home import Home
from tidzam.node.leftovers import node_processes
from tidzam.paths import DEMO_BUNDLES

POND: dict[str, Any] = {"name": "pond", "nb_channels": 1, "demo": {"seed": 8, "duration_s": 10}}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    """Makes a node of given sections; ends what it started."""
    made: list[Node] = []

    def build(sources: list[dict[str, Any]] | None = None, **sections: dict[str, Any]) -> Node:
        made.append(Node(tmp_path, sources or [POND], **sections))
        return made[-1]

    yield build
    for node in made:
        node.run("stop")


def assert_refused(node: Node, *told: str) -> None:
    """`start` fails in words, without a traceback, and leaves no process."""
    done = node.start()
    assert done.returncode == 1, done.stdout + done.stderr
    for words in told:
        assert words in done.stderr.replace("\n", " "), done.stderr
    assert "Traceback" not in done.stderr
    assert node_processes(Home(node.home)) == []


@pytest.mark.timeout(30)
def test_a_port_in_use_is_named_with_its_holder(make: Any) -> None:
    node = make()
    with socket.create_server(("127.0.0.1", node.ports["analyzer"])):
        assert_refused(node, str(node.ports["analyzer"]), "(analyzer)", f"pid {psutil.Process().pid}", "profile")


@pytest.mark.timeout(60)
def test_a_program_that_does_not_come_up_is_told_with_the_end_of_its_log(make: Any) -> None:
    node = make(jack={"driver": "nosuchdriver"}, check={"start_timeout_s": 8})
    assert_refused(node, "jackd did not come up", "jackd.log", "nosuchdriver")


@pytest.mark.timeout(60)
def test_a_bundle_with_one_byte_changed_is_refused(make: Any, tmp_path: Path) -> None:
    bundles = tmp_path / "bundles"
    shutil.copytree(DEMO_BUNDLES, bundles)
    weights = bundles / "birds" / "model.onnx"
    damaged = bytearray(weights.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    weights.write_bytes(damaged)
    assert_refused(make(analyzer={"nn": str(bundles)}), "model.onnx", "checksum")


@pytest.mark.timeout(60)
def test_a_sample_rate_that_no_classifier_knows_is_refused(make: Any) -> None:
    assert_refused(make(jack={"rate_hz": 16000}), "16000 Hz", "22050 Hz", "jack.rate_hz")


@pytest.mark.timeout(60)
def test_a_mistake_in_the_profile_is_told_before_anything_starts(make: Any) -> None:
    node = make(jack={"perod": 1024})
    assert_refused(node, "jack.perod", "Did you mean period?")
    assert not node.home.exists()


@pytest.mark.timeout(90)
def test_a_source_that_cannot_be_played_does_not_hold_the_others(make: Any) -> None:
    node = make([POND, {"name": "far", "url": "http://127.0.0.1:9/none.ogg"}])
    started = node.start()
    assert started.returncode == 0, started.stderr
    assert "far" in started.stdout
    states = {source["name"]: source for source in node.status()["sources"]}
    assert states["pond"]["state"] == "playing"
    assert states["far"]["state"] != "playing"
    assert states["far"]["last_error"]
    assert node.run("check").returncode == 2


@pytest.mark.timeout(90)
def test_what_a_killed_node_left_is_no_obstacle(make: Any) -> None:
    """supervisord killed: a stale pid file, a stale socket, perhaps orphans. `start` clears them and goes on."""
    node = make()
    assert node.start().returncode == 0
    supervisor = int((node.home / "supervisord.pid").read_text())
    node.kill(supervisor)
    checked = node.run("check")
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "restarting" not in checked.stderr  # it was started, once
    node.run("stop")
    (node.home / "supervisord.pid").write_text("1\n")
    started = node.start()
    assert started.returncode == 0, started.stderr


@pytest.mark.timeout(30)
def test_a_full_disk_is_told(make: Any, tmp_path: Path) -> None:
    node = make()
    node.home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(node.home)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        assert_refused(node, "full", "Make room")
    finally:
        subprocess.run(["umount", str(node.home)], check=True)


@pytest.mark.timeout(30)
def test_stopping_what_does_not_run_is_fine(make: Any) -> None:
    assert make().run("stop").returncode == 0


@pytest.mark.timeout(30)
@pytest.mark.parametrize("command", ["status", "check", "watch"])
def test_a_home_without_a_node_is_told(make: Any, command: str) -> None:
    done = make().run(command)
    assert done.returncode in (1, 2)
    assert "no node" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
