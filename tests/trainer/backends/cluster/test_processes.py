"""Training on parameter servers and workers: real processes, killed, interrupted, misconfigured, on three hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import hosts
from tests.support.noise import start_up_noise
from tests.support.ports import free_port
from tests.support.training import write_tone_folders
from tidzam.bundle import read_bundle

PROOF = [sys.executable, "-m", "tests.support.cluster"]
TRAINER = [sys.executable, "-m", "trainer"]
STARTS_WITHIN_S = 150.0
"""TensorFlow alone takes seconds to load, on a busy machine much longer."""

DEAD_PROXY = dict.fromkeys(("http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY", "all_proxy"), "http://127.0.0.1:9")
"""gRPC uses these proxies, but the machines of a cluster must be connected directly."""

pytestmark = pytest.mark.timeout(300)


class Processes:
    """The processes of a test, which are ended with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, list[subprocess.Popen[bytes]]()

    def start(self, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
        env = {**os.environ, **DEAD_PROXY, "CUDA_VISIBLE_DEVICES": ""}
        with (self.folder / f"{name}.out").open("wb") as out, (self.folder / f"{name}.err").open("wb") as err:
            process = subprocess.Popen(argv, stdout=out, stderr=err, env=env)
        self.started.append(process)
        return process

    def stderr(self, name: str) -> str:
        return (self.folder / f"{name}.err").read_text(errors="replace")

    def wait_for(self, name: str, words: str) -> None:
        until = time.monotonic() + STARTS_WITHIN_S
        while words not in self.stderr(name):
            assert time.monotonic() < until, f"{name} did not print {words!r}: {self.stderr(name)}"
            time.sleep(0.1)

    def result(self, name: str) -> dict[str, Any]:
        counted: dict[str, Any] = json.loads((self.folder / f"{name}.out").read_text())
        return counted


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    try:
        yield processes
    finally:
        for process in processes.started:
            process.kill()
            process.wait()
    noise = {path.name: start_up_noise(path.read_text(errors="replace")) for path in tmp_path.glob("*.err")}
    assert not any(noise.values()), noise


def addresses(count: int) -> str:
    return ",".join(f"127.0.0.1:{free_port()}" for _ in range(count))


def test_no_update_is_lost_when_a_parameter_server_is_killed(run: Processes, tmp_path: Path) -> None:
    ps, workers = addresses(2), addresses(2)
    places = ["900", str(tmp_path / "checkpoints")]
    others = [run.start("ps0", [*PROOF, "ps", "0", ps, workers, "0"])]
    lost = run.start("ps1", [*PROOF, "ps", "1", ps, workers, "0"])
    others.append(run.start("worker1", [*PROOF, "worker", "1", ps, workers, "0"]))
    for name in ("ps0", "ps1", "worker1"):
        run.wait_for(name, "serving")
    coordinator = run.start("first", [*PROOF, "worker", "0", ps, workers, *places])
    run.wait_for("first", "step 300")
    lost.kill()
    assert coordinator.wait(60) == 1
    last = run.stderr("first").splitlines()[-1]
    assert last.startswith("trainer: Parameter server 1 was lost")
    assert last.endswith("train with --resume.")
    assert "Traceback" not in run.stderr("first")

    others.append(run.start("again", [*PROOF, "ps", "1", ps, workers, "0"]))
    run.wait_for("again", "serving")
    coordinator = run.start("second", [*PROOF, "worker", "0", ps, workers, *places, "resume"])
    assert coordinator.wait(STARTS_WITHIN_S) == 0, run.stderr("second")
    counted = run.result("second")
    assert counted["began"] >= 200
    assert counted["reports"] == 900 - counted["began"]
    assert counted["step"] == 900
    assert counted["weights"] == [-900.0] * 4, "each step subtracts exactly one, whichever worker makes it"
    servers = [f"/job:ps/replica:0/task:{number}" for number in (0, 0, 1, 1)]
    assert [device.partition("/device")[0] for device in counted["servers"]] == servers, "the kernel is on both servers"
    assert [process.wait(20) for process in others] == [0, 0, 0], "they are ended by the coordinator"


def test_failed_and_killed_workers_and_a_second_coordinator(
    run: Processes,
) -> None:
    ps, workers = addresses(1), addresses(2)
    mine, other = workers.split(",")
    server = run.start("ps", [*PROOF, "ps", "0", ps, workers, "0"])
    failing = run.start("failing", [*PROOF, "worker", "1", ps, workers, "fails"])
    for name in ("ps", "failing"):
        run.wait_for(name, "serving")
    early = run.start("early", [*PROOF, "worker", "0", ps, workers, "10"])
    assert [early.wait(STARTS_WITHIN_S), failing.wait(60)] == [1, 1]
    reason = f"worker 1 at {other} ended: a.wav is damaged. Replace it."
    assert run.stderr("early").splitlines()[-1] == f"trainer: {reason}", "the reason is not --ps and --workers"
    assert reason in run.stderr("ps")
    lost = run.start("lost", [*PROOF, "worker", "1", ps, workers, "0"])
    for name in ("ps", "lost"):
        run.wait_for(name, "serving")
    coordinator = run.start("worker0", [*PROOF, "worker", "0", ps, workers, "1000000"])
    run.wait_for("worker0", "step 100")
    lost.kill()
    foreign = run.start("foreign", [*PROOF, "worker", "1", ps, workers, "twos"])
    assert foreign.wait(STARTS_WITHIN_S) == 1, "the worker is refused, and the training continues"
    assert f"trainer: worker 1 at {other} has twos, but the training uses ones." in run.stderr("foreign")
    again = run.start("again", [*PROOF, "worker", "1", ps, workers, "0"])
    elsewhere = f"127.0.0.1:{free_port()},{other}"  # as another machine would: its own address in the place of ours
    seconds = [run.start("same", [*PROOF, "worker", "0", ps, workers, "10"])]
    run.wait_for("again", "serving")
    seconds.append(run.start("elsewhere", [*PROOF, "worker", "0", ps, elsewhere, "10"]))
    assert [second.wait(STARTS_WITHIN_S) for second in seconds] == [1, 1]
    for name in ("same", "elsewhere"):
        assert f"trainer: {mine} already coordinates this cluster." in run.stderr(name)
    coordinator.send_signal(signal.SIGINT)
    assert coordinator.wait(60) == 0, run.stderr("worker0")
    counted = run.result("worker0")
    assert 0 <= counted["step"] - counted["reports"] <= 8, "only the steps under way were not reported any more"
    assert {-counted["step"] - 1.0, -float(counted["step"])} >= set(counted["weights"]), "one step was under way"
    assert server.wait(20) == 0
    assert again.wait(20) == 0
    made = int(run.stderr("again").rpartition("over; ")[2].split()[0])
    assert made > 0, "the worker was used again"


def arguments(data: Path, out: Path, iterations: int) -> list[str]:
    recipe = out.parent / "recipe.yaml"
    recipe.write_text("{features: {rate_hz: 8000, window_s: 0.25, n_mels: 16}, batch_size: 4}")
    counts = ["--training-iterations", str(iterations), "--testing-step", "10", "--checkpoint-step", "20"]
    places = ["--dataset-train", str(data), "--out", str(out), "--training-file", str(recipe)]
    return [*places, *counts, "--stats-step", "200", "--batch-workers", "0"]


NO_HOSTS = hosts.why_not()


@contextmanager
def three_hosts() -> Iterator[tuple[list[str | None], list[str]]]:
    """Hosts (None: this one) and addresses for a parameter server and two workers."""
    if NO_HOSTS is not None:
        yield [None] * 3, addresses(3).split(",")
        return
    with hosts.hosts(3) as made:
        yield [name for name, _ in made], [f"{address}:2222" for _, address in made]


@pytest.mark.root
@pytest.mark.skipif(NO_HOSTS is not None, reason=f"the next test runs on one host: {NO_HOSTS}")
def test_there_are_three_hosts() -> None:
    """Skipped with the reason where hosts cannot be simulated."""


def test_the_command_lines_on_three_hosts_without_a_shared_disk(run: Processes, tmp_path: Path) -> None:
    for folder in ("wrong", "mine"):
        (tmp_path / folder).mkdir()
    data, out = write_tone_folders(tmp_path / "tones"), tmp_path / "mine" / "bundle"
    wrong = ["--ps", "nowhere.invalid:2222", "--workers", f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}"]
    began = time.monotonic()
    mistaken = run.start("mistaken", [*TRAINER, *wrong, *arguments(data, tmp_path / "wrong" / "x", 10)])

    with three_hosts() as (names, (one, two, three)):
        members = [f"--ps={one}", f"--workers={two},{three}"]
        recipe = arguments(data, out, 400)
        lead = hosts.on(names[1], [*TRAINER, "--job-type=worker", "--task-index=0", *members, *recipe])
        server = hosts.on(names[0], [*TRAINER, "--job-type=ps", "--task-index=0", *members], hidden=out.parent)
        worker = hosts.on(names[2], [*TRAINER, "--job-type=worker", "--task-index=1", *members, *recipe])
        others = [run.start("ps", server), run.start("worker1", worker)]
        for name in ("ps", "worker1"):
            run.wait_for(name, "serving")
        first = run.start("first", lead)
        run.wait_for("first", "step 40:")
        first.send_signal(signal.SIGINT)
        assert first.wait(60) == 130
        assert "continue with --resume" in run.stderr("first")
        assert "Traceback" not in run.stderr("first")

        assert mistaken.wait(STARTS_WITHIN_S) == 1
        assert time.monotonic() - began < STARTS_WITHIN_S
        last = run.stderr("mistaken").splitlines()[-1]
        assert "ps 0 at nowhere.invalid:2222: unknown host name" in last
        assert "within 30 s" in last

        second = run.start("second", [*lead, "--resume"])
        assert second.wait(STARTS_WITHIN_S) == 0, run.stderr("second")
        assert "resuming from step" in run.stderr("second")
        assert "step 400:" in run.stderr("second")
        assert [process.wait(20) for process in others] == [0, 0], "they are ended by the coordinator"
    assert read_bundle(out).manifest.classes == ("high", "low")
