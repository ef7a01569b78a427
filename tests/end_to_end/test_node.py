"""A whole node, as a user meets it: started, listened to, killed piece by piece, stopped."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.support.clients import connected_to
from tests.support.eventually import eventually, eventually_async
from tests.support.node import Node, running_node
from tests.support.sound import write_tones
from tidzam.demo.scene import read_truth, truth_at

SOURCES = [
    {"name": "wetland", "nb_channels": 4, "demo": {"seed": 7, "duration_s": 60}},
    {"name": "pond", "nb_channels": 1, "demo": {"seed": 8, "duration_s": 60}},
]
CHANNELS = 5
PLAYER_AND_ENCODER = ("stream_manager/wetland mpv", "stream_manager/wetland ffmpeg")
ENOUGH_EVENTS = 20
"""Those of two seconds: five channels, windows of a second that overlap by half."""
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with running_node(tmp_path_factory.mktemp("node"), SOURCES, analyzer={"overlap": 0.5}) as node:
        yield node


@asynccontextmanager
async def events(node: Node, name: str, **subscription: Any) -> AsyncIterator[list[Any]]:
    """The events `name` that a Socket.IO client receives from the analyzer, as they arrive."""
    received: list[Any] = []
    async with connected_to(node.url("analyzer"), reconnection=True) as client:
        client.on(name, received.append)
        if subscription:
            answer = await client.call("subscribe", subscription)
            assert answer["ok"], answer
        yield received


def heard_at(event: dict[str, Any]) -> datetime:
    """The middle of the second that a `sys` event speaks of."""
    start = datetime.strptime(event["analysis"]["time"], "%Y-%m-%d-%H-%M-%S.%f").replace(tzinfo=UTC)
    return start + timedelta(seconds=0.5)


def named_rows(received: Iterable[Any]) -> list[dict[str, Any]]:
    """The results of the wetland's channels that name a class."""
    rows = [row for message in received if isinstance(message, list) for row in message]
    return [row for row in rows if row["chan"].startswith("wetland:") and row["analysis"]["result"] != ["unknown"]]


def enough_named(received: Iterable[Any]) -> bool:
    """Whether 50 windows were named, and ten of each channel."""
    counts = Counter(row["chan"] for row in named_rows(received))
    return sum(counts.values()) >= 50 and len(counts) == 4 and min(counts.values()) >= 10


def test_start_shows_the_mounts(node: Node) -> None:
    assert "wetland-out_3.ogg" in node.started.stdout


@pytest.mark.timeout(120)
async def test_each_channel_is_classified_as_its_truth_labels(node: Node) -> None:
    (wetland,) = (source for source in node.status()["sources"] if source["name"] == "wetland")
    truth = read_truth(Path(wetland["url"]).with_suffix(".json"))
    began = datetime.fromisoformat(wetland["started"])
    named: dict[str, int] = defaultdict(int)
    right: dict[str, int] = defaultdict(int)
    async with events(node, "sys") as received:
        await eventually_async(lambda: enough_named(received), within_s=60)
    for row in named_rows(received):
        middle_s = (heard_at(row) - began).total_seconds()
        channel = int(row["chan"].rpartition("_")[2])
        times_s = [middle_s + offset_s for offset_s in (-0.4, -0.2, 0.0, 0.2, 0.4)]  # a call may begin or end within
        sounding = set().union(*(truth_at(truth, time_s, min_snr_db=-60)[channel] for time_s in times_s))
        named[row["chan"]] += 1
        right[row["chan"]] += bool(sounding & set(row["analysis"]["result"]))
    assert set(named) == {f"wetland:out_{index}" for index in range(4)}
    assert all(right[port] >= 0.7 * count for port, count in named.items()), (dict(right), dict(named))


@pytest.mark.timeout(60)
def test_every_mount_can_be_decoded(node: Node) -> None:
    mounts = [mount for source in node.status()["sources"] for mount in source["mounts"]]
    assert len(mounts) == CHANNELS
    for mount in mounts:
        command = ["ffmpeg", "-v", "error", "-i", mount, "-t", "1", "-f", "f32le", "-ac", "1", "-"]
        decoded = subprocess.run(command, capture_output=True, timeout=20, check=True).stdout
        assert np.abs(np.frombuffer(decoded, dtype=np.float32)).max() > 1e-4, mount


@pytest.mark.timeout(30)
def test_status_as_json_has_processes_sources_and_analyzer(node: Node) -> None:
    status = json.loads(node.run("status", "--json").stdout)
    process, source, analyzer = status["processes"][0], status["sources"][0], status["analyzer"]
    assert process.keys() >= {"name", "state", "pid", "uptime_s", "rss_mb"}
    assert source.keys() >= {"name", "state", "url", "channels", "ports", "mounts", "restarts", "last_error"}
    assert analyzer.keys() >= {"engine", "classifiers", "channels", "lag_s", "lost_frames", "windows_per_s"}
    assert set(status["urls"]) == {"analyzer", "stream_manager", "icecast"}
    assert set(analyzer["classifiers"]) == {"selector", "birds", "frogs"}


EXAMPLES = {
    "load_source.py": "creek playing",
    "print_results.py": "wetland:out_3",
    "stream_microphone.py": "tidzam-livestreams:out_0",
    "wait_for_detection.py": ":out_",
    "check_health.py": "",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_the_examples_run(node: Node, name: str, tmp_path: Path) -> None:
    eventually(node.is_well, within_s=30, what="well before")
    program = (ROOT / "examples" / name).read_text(encoding="utf-8")
    for port, server in ((8000, "icecast"), (8001, "analyzer"), (8080, "stream_manager")):
        program = program.replace(f"127.0.0.1:{port}", f"127.0.0.1:{node.ports[server]}")
    # No machine that runs tests has a microphone for sure.
    arguments = [str(write_tones(tmp_path / "a.wav", 1, seconds=1))] if name == "stream_microphone.py" else []
    argv = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert EXAMPLES[name] in done.stdout


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    ("name", "within_s"),
    [
        ("stream_manager/wetland mpv", 10),
        ("stream_manager/wetland ffmpeg", 10),
        ("analyzer/capture", 10),
        ("analyzer", 10),
        ("icecast", 10),
        ("stream_manager", 10),
        ("jackd", 20),
    ],
)
async def test_a_killed_process_comes_back(node: Node, name: str, within_s: float) -> None:
    eventually(node.is_well, within_s=30, what="well before")
    pid = node.pid(name)
    async with events(node, "analysis", events=["analysis"]) as received:
        if name in PLAYER_AND_ENCODER:
            await eventually_async(lambda: len(received) >= ENOUGH_EVENTS, within_s=20)
        node.kill(pid)
        await asyncio.to_thread(eventually, lambda: not Path(f"/proc/{pid}").exists(), within_s=5, what=f"{name} ended")
        took_s = await asyncio.to_thread(
            eventually, lambda: whole(node, name, pid), within_s=within_s, what=f"{name} healed"
        )
        if name in PLAYER_AND_ENCODER:
            healed = len(received)
            await eventually_async(lambda: len(received) >= healed + ENOUGH_EVENTS, within_s=20)
    print(f"{name} healed in {took_s:.1f} s")
    if name in PLAYER_AND_ENCODER:
        undisturbed = "pond:out_0" if name.endswith("mpv") else None  # an encoder only reads
        assert_no_gap(received, undisturbed)


def whole(node: Node, name: str, old_pid: int) -> bool:
    """Whether the node does its job again, with another process in the killed one's place."""
    if not node.is_well():
        return False
    status = node.status()
    rows = [row for row in status["processes"] if row["name"] == name]
    fresh = rows and all(row["state"] == "RUNNING" and row["pid"] != old_pid for row in rows)
    return bool(fresh and len(status["analyzer"]["channels"]) == CHANNELS)


def assert_no_gap(received: list[dict[str, Any]], port: str | None) -> None:
    """No frame was lost and no window is missing, on `port` or, without one, anywhere."""
    by_port = defaultdict(list)
    for event in received:
        by_port[event["channel"]].append(event)
    for channel in [port] if port else list(by_port):
        windows = by_port[channel]
        assert len(windows) > 6, channel
        assert not [(window["start"], window["gap_frames"]) for window in windows if window["gap_frames"]], channel
        starts = [datetime.fromisoformat(window["start"]) for window in windows]
        steps = [(b - a).total_seconds() for a, b in itertools.pairwise(starts)]
        assert max(steps) < 0.6, (channel, steps)


@pytest.mark.timeout(60)
def test_a_second_start_is_refused_and_changes_nothing(node: Node) -> None:
    eventually(node.is_well, within_s=30, what="well before")
    again = node.start()
    assert again.returncode == 1
    assert "already running" in again.stderr
    assert "Traceback" not in again.stderr
    assert node.is_well()


@pytest.mark.timeout(90)
def test_check_reports_healthy_and_repairs(node: Node) -> None:
    eventually(node.is_well, within_s=30, what="well before")
    checked = node.run("check")
    assert checked.returncode == 0, checked.stdout
    os.kill(node.pid("analyzer"), signal.SIGSTOP)  # runs, and does nothing
    repaired = node.run("check")
    assert repaired.returncode == 1, repaired.stdout + repaired.stderr
    assert node.run("check").returncode == 0


@dataclass
class StoppedNode:
    """A node that has run and was stopped: its status as it ran, the check of it then, and its processes."""

    node: Node
    status: dict[str, Any]
    checked: subprocess.CompletedProcess[str]

    @property
    def pids(self) -> list[int]:
        return [row["pid"] for row in self.status["processes"]]


@pytest.fixture(scope="module", params=['it\'s 100% #1; "home" \\ ü', os.fsdecode(b"not UTF-8 \xff")])
def stopped(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[StoppedNode]:
    """A node in a home of any name."""
    folder = tmp_path_factory.mktemp("stopped") / request.param
    folder.mkdir()
    pond = {"name": "pond", "nb_channels": 1, "demo": {"seed": 8, "duration_s": 20}}
    with running_node(folder, [pond]) as node:
        found = StoppedNode(node, node.status(), node.run("check"))
        node.stop()
        yield found


@pytest.mark.timeout(120)
def test_a_node_lives_in_a_home_of_any_name(stopped: StoppedNode) -> None:
    assert [source["state"] for source in stopped.status["sources"]] == ["playing"]
    assert stopped.checked.returncode == 0, stopped.checked.stdout


def test_stop_ends_every_process_and_jackd_cleanly(stopped: StoppedNode) -> None:
    assert len(stopped.pids) >= 7
    eventually(lambda: not any(map(psutil.pid_exists, stopped.pids)), within_s=2, what="nothing is left")
    assert "stopped: jackd (exit status 0)" in (stopped.node.home / "logs" / "supervisord.log").read_text()


def test_stop_frees_ports_and_shared_memory(stopped: StoppedNode) -> None:
    for port in stopped.node.ports.values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    assert [path.name for path in Path("/dev/shm").iterdir() if stopped.node.server in path.name] == []


def test_a_stopped_node_has_the_status_of_one(stopped: StoppedNode) -> None:
    assert stopped.node.run("status").returncode == 1
