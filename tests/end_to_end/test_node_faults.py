"""Faults around a node: each is reported with what to do, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.support.eventually import eventually
from tests.support.node import Node
from tidzam.node.cleanup import node_processes
from tidzam.node.home import Home
from tidzam.node.supervisor import Supervisor
from tidzam.paths import DEMO_BUNDLES

POND: dict[str, Any] = {"name": "pond", "tone": {}}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    """Makes a node of given sections; ends what it started."""
    made: list[Node] = []

    def build(sources: list[dict[str, Any]] | None = None, **sections: dict[str, Any]) -> Node:
        made.append(Node(tmp_path, sources or [POND], **sections))
        return made[-1]

    yield build
    for node in made:
        node.end()


def assert_refused(node: Node, *expected: str) -> None:
    """`start` fails with an explanation, without a traceback, and leaves no process."""
    done = node.start()
    assert done.returncode == 1, done.stdout + done.stderr
    for words in expected:
        assert words in done.stderr.replace("\n", " "), done.stderr
    assert "Traceback" not in done.stderr
    assert node_processes(Home(node.home)) == []


@pytest.mark.timeout(30)
def test_a_port_in_use_is_named_with_its_holder(make: Any) -> None:
    node = make()
    with socket.create_server(("127.0.0.1", node.ports["analyzer"])):
        assert_refused(node, str(node.ports["analyzer"]), "(analyzer)", f"pid {psutil.Process().pid}", "profile")


@pytest.mark.timeout(60)
def test_a_program_that_does_not_start_is_reported_with_the_end_of_its_log(make: Any) -> None:
    node = make(jack={"driver": "nosuchdriver"}, check={"start_timeout_s": 5})
    assert_refused(node, "jackd did not start", "jackd.log", "nosuchdriver")


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
    assert_refused(make(jack={"rate_hz": 16000}), "16000 Hz", "21000 Hz", "jack.rate_hz")


@pytest.mark.timeout(60)
def test_an_error_in_the_profile_is_reported_before_anything_starts(make: Any) -> None:
    node = make(jack={"perod": 1024})
    assert_refused(node, "jack.perod", "Did you mean 'period'?")
    assert not node.home.exists()


def lasting(status: dict[str, Any]) -> dict[str, int]:
    """The pids of the programs and of what plays the pond; probes come and go."""
    rows = {row["name"]: row["pid"] for row in status["processes"]}
    return {name: pid for name, pid in rows.items() if "/" not in name or name.startswith("stream_manager/pond ")}


@pytest.mark.timeout(150)
def test_sources_that_cannot_be_played_end_neither_the_node_nor_the_others(make: Any) -> None:
    bad = {
        "far": "http://127.0.0.1:9/none.ogg",
        "file": "file:///etc/passwd",
        "rtmp": "rtmp://127.0.0.1/live",
        "lost": "no/such/file.flac",
    }
    node = make([POND, *({"name": name, "url": url} for name, url in bad.items())])
    started = node.start()
    assert started.returncode == 3, started.stderr
    assert all(f"Source {name} " in started.stdout.replace("\n", " ") for name in bad), started.stdout
    before = lasting(node.status())
    for _ in range(2):
        assert node.run("check").returncode == 2
    status = node.status()
    assert lasting(status) == before
    states = {source["name"]: source for source in status["sources"]}
    assert states["pond"]["state"] == "playing"
    assert states["pond"]["restarts"] == 0
    for name in bad:
        assert states[name]["state"] != "playing"
        assert states[name]["last_error"]


@pytest.mark.timeout(90)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_start_that_is_interrupted_half_way_leaves_nothing(make: Any, number: signal.Signals) -> None:
    node = make([POND, {"name": "far", "url": "http://127.0.0.1:9/none.ogg"}])
    environment = {**os.environ, "TIDZAM_HOME": str(node.home)}
    command = [sys.executable, "-m", "tidzam.cli", "start", "--profile", str(node.profile)]
    start = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: bool(node_processes(Home(node.home))), within_s=30, what="the first process")
        start.send_signal(number)
        _, output = start.communicate(timeout=40)
    finally:
        start.kill()
    assert start.returncode == 128 + number, output
    assert "Traceback" not in output
    assert node_processes(Home(node.home)) == []
    assert "is stopped" in node.run("status").stdout


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that was started with what a killed one leaves, behind a proxy that is away."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")
            patch.setenv(name.upper(), "http://127.0.0.1:9")
        patch.delenv("no_proxy", raising=False)
        patch.delenv("NO_PROXY", raising=False)
        node = Node(tmp_path_factory.mktemp("tried"), [POND])
        node.home.mkdir()
        (node.home / "supervisord.pid").write_text("1\n")
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(node.home / "supervisor.sock"))
        try:
            node.start()
            yield node
        finally:
            node.end()


@pytest.mark.timeout(120)
def test_remains_of_a_killed_node_and_a_proxy_that_is_away_do_not_prevent_a_start(node: Node) -> None:
    assert node.started.returncode == 0, node.started.stdout + node.started.stderr
    assert (node.home / "supervisord.pid").read_text() != "1\n"


@pytest.mark.timeout(60)
def test_a_node_behind_a_proxy_that_is_away_is_healthy(node: Node) -> None:
    assert node.run("check").returncode == 0
    assert node.run("status").returncode == 0


@pytest.mark.timeout(120)
def test_a_restart_that_cannot_succeed_leaves_the_node_as_it_is(node: Node, tmp_path: Path) -> None:
    before = lasting(node.status())
    other = tmp_path / "other.yaml"
    settings = yaml.safe_load(node.profile.read_text())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings["analyzer"]["port"] = taken.getsockname()[1]
        other.write_text(yaml.safe_dump(settings))
        refused = node.run("restart", "--profile", str(other))
    assert refused.returncode == 1
    assert "is in use by" in refused.stderr.replace("\n", " ")
    bundles = tmp_path / "bundles"
    shutil.copytree(DEMO_BUNDLES, bundles)
    (bundles / "birds" / "model.onnx").write_bytes(b"damaged")
    other.write_text(yaml.safe_dump(yaml.safe_load(node.profile.read_text()) | {"analyzer": {"nn": str(bundles)}}))
    assert node.run("restart", "--profile", str(other)).returncode == 1
    assert lasting(node.status()) == before
    assert node.run("check").returncode == 0


@pytest.mark.timeout(120)
def test_check_starts_a_node_whose_supervisord_was_killed_once(node: Node) -> None:
    node.kill(int((node.home / "supervisord.pid").read_text()))
    checked = node.run("check")
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "restarting" not in checked.stderr


@pytest.mark.timeout(120)
def test_stop_ends_a_node_whose_supervisord_is_suspended(node: Node) -> None:
    process = Supervisor(Home(node.home)).process()
    assert process is not None
    process.suspend()
    assert node.run("status", timeout_s=30).returncode in (0, 1)
    process.suspend()
    assert node.run("stop", timeout_s=60).returncode == 0
    assert node_processes(Home(node.home)) == []


@pytest.mark.timeout(30)
def test_a_full_disk_is_reported(make: Any, tmp_path: Path) -> None:
    node = make()
    node.home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(node.home)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        assert_refused(node, "full", "Free some space")
    finally:
        subprocess.run(["umount", str(node.home)], check=True)


@pytest.mark.timeout(30)
def test_stopping_a_node_that_does_not_run_succeeds(make: Any) -> None:
    assert make().run("stop").returncode == 0


@pytest.mark.timeout(30)
@pytest.mark.parametrize("command", ["status", "check", "watch"])
def test_a_home_without_a_node_is_reported(make: Any, command: str) -> None:
    done = make().run(command)
    assert done.returncode in (1, 2)
    assert "no node" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
