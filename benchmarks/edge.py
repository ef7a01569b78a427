"""The memory, the processor time and the start-up of a whole edge node, with one channel and the demo's cascade."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.process_memory import memory_of
from tidzam.node.cleanup import node_processes
from tidzam.node.home import Home
from tidzam.node.status import NodeStatus, node_status
from tidzam.paths import PROFILES

TITLE = (
    "an edge node with one channel: memory of all processes (PSS), share of a core, start-up; budget 250 MB, 10 %, 10 s"
)

_PROFILE: Final = PROFILES / "edge.yaml"
_EVERY_S: Final = 1.0


def run(say: Callable[[str], None], *, seconds: str = "180", starts: str = "3") -> dict[str, Any]:
    """The node of `configs/edge.yaml` is started `starts` times, after a first start that synthesizes its scene, and
    then measured for `seconds`. `memory_peak_mb` is the largest sum of the proportional set sizes of all processes,
    supervisord and child processes included, and `cpu_percent` is their processor time as a share of one core."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        say("first start, which synthesizes the scene")
        first_s = _start(home)
        _command(home, "stop")
        started_s = []
        for number in range(int(starts)):
            say(f"start {number + 1} of {starts}")
            started_s.append(_start(home))
            if number + 1 < int(starts):
                _command(home, "stop")
        with _stopped_at_the_end(home):
            say(f"measuring for {seconds} s")
            figures = _measure(home, float(seconds))
            status = node_status(home, home.settings())
    return {
        "start_s": round(statistics.median(started_s), 1),
        "first_start_s": round(first_s, 1),
        **figures,
        **_work(status),
    }


def _start(home: Home) -> float:
    """Seconds that `tidzam start` takes until the source is recorded and the classifiers are loaded."""
    began = time.monotonic()
    _command(home, "start", "--profile", str(_PROFILE))
    return time.monotonic() - began


def _command(home: Home, *words: str) -> None:
    argv = [sys.executable, "-P", "-m", "tidzam.cli", *words, "--home", str(home.root)]
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


@contextmanager
def _stopped_at_the_end(home: Home) -> Iterator[None]:
    try:
        yield
    finally:
        _command(home, "stop")


def _measure(home: Home, seconds: float) -> dict[str, Any]:
    """Memory and processor time for so long."""
    names = _names(home)
    before, began = _cpu_s(home), time.monotonic()
    rows: list[Mapping[str, float]] = []
    while time.monotonic() - began < seconds:
        rows.append(_memory_mb(home, names))
        time.sleep(_EVERY_S)
    passed_s, spent_s = time.monotonic() - began, _cpu_s(home) - before
    totals = [sum(row.values()) for row in rows]
    programs = dict.fromkeys(name for row in rows for name in row)
    return {
        "seconds": round(passed_s),
        "memory_peak_mb": round(max(totals), 1),
        "memory_mean_mb": round(statistics.mean(totals), 1),
        **{f"{name}_peak_mb": round(max(row.get(name, 0.0) for row in rows), 1) for name in programs},
        "cpu_percent": round(100 * spent_s / passed_s, 2),
    }


def _names(home: Home) -> Mapping[int, str]:
    """The names of the programs by their process ids; supervisord has none."""
    status = node_status(home, home.settings(), thorough=False)
    return {process.pid: process.name for process in status.processes if process.pid is not None}


def _memory_mb(home: Home, names: Mapping[int, str]) -> Mapping[str, float]:
    """The proportional set size of each program; what it has started is counted with it."""
    sums: dict[str, float] = {}
    for process in node_processes(home):
        with suppress(psutil.Error, OSError):  # it has ended
            family = (process, *process.parents())
            name = next((names[one.pid] for one in family if one.pid in names), "supervisord")
            sums[name] = sums.get(name, 0.0) + memory_of(process.pid).total / 1e6
    return sums


def _cpu_s(home: Home) -> float:
    """The processor time of all processes, and of those that they have started and that have ended."""
    total = 0.0
    for process in node_processes(home):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _work(status: NodeStatus) -> dict[str, Any]:
    """What the node has done meanwhile."""
    edge = status.edge
    if edge is None or edge.inference is None:
        return {}
    inference = edge.inference
    return {
        "recorded_s": round(sum(source.seconds for source in edge.sources)),
        "lost_s": round(sum(source.lost_s for source in edge.sources), 3),
        "files_analyzed": inference.analyzed,
        "detections": inference.detections,
        "seconds_per_file": round(inference.last_s, 2),
    }


if __name__ == "__main__":
    print(run(print))
