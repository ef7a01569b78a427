"""The time from the start of the analyzer to its first window, by phase."""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.harness import LiveAnalyzer, analyzer, feeder, jack_server, program
from tidzam.config.settings import JackSettings

TITLE = "from the start of the analyzer to its first window: imports, classifiers, capture, and the window itself"

RATE_HZ: Final = 48000
PERIOD: Final = 2048
PHASES: Final = {
    "classifiers": re.compile(r"analyzer\.app: classifiers .* on "),
    "server": re.compile(r"analyzer listens on "),
    "capture": re.compile(r"capturing at \d+ Hz"),
    "channels": re.compile(r"capturing feeder:out_"),
}
"""The lines of the log that end a phase."""
_TIME = re.compile(r"(\S+)Z (?:info|warning|error|debug) ")


def run(say: Callable[[str], None], *, channels: str = "4", runs: str = "5") -> dict[str, Any]:
    """The analyzer is started once on a new node, where it tries its networks in a process of their own, and then so
    many times more (`runs`), with the demo's cascade, on so many `channels` that sound before. All figures are medians,
    in seconds since its start, except `cpu_s`: the processor time of all its processes until the first window.
    `imports_s` is what a process takes that imports the same and does nothing else."""
    count = int(channels)
    with (
        tempfile.TemporaryDirectory() as folder,
        jack_server(rate_hz=RATE_HZ, period=PERIOD) as server,
        feeder(server, f"--channels={count}"),
    ):
        say("first start")
        first = _start(server, count, Path(folder))
        readings = []
        for number in range(int(runs)):
            say(f"start {number + 1} of {runs}")
            readings.append(_start(server, count, Path(folder)))
    return {
        "channels": count,
        "imports_s": round(_imports_s(), 2),
        **medians(readings),
        **{f"first_start_{name}": value for name, value in medians([first]).items()},
    }


def _start(server: JackSettings, channels: int, home: Path) -> dict[str, float]:
    """The times of one start."""
    with tempfile.TemporaryDirectory() as folder:
        log, began = Path(folder) / "analyzer.log", time.time()
        with analyzer(server, "feeder:", log=log, home=home) as listener:
            listener.wait(channels=channels)
            first_s, cpu_s = time.time() - began, _cpu_s(listener)
            return {
                **phases(log.read_text(encoding="utf-8").splitlines(), began),
                "first_window": first_s,
                "cpu": cpu_s,
            }


def phases(lines: Iterable[str], began: float) -> dict[str, float]:
    """The seconds from `began` (since 1970) to the end of each phase that the lines of a log report."""
    ended: dict[str, float] = {}
    for line in lines:
        moment = _TIME.match(line)
        for name, pattern in PHASES.items():
            if moment and name not in ended and pattern.search(line):
                ended[name] = datetime.fromisoformat(f"{moment[1]}+00:00").timestamp() - began
    return ended


def medians(readings: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure, in seconds, with names that end in `_s`."""
    rows = list(readings)
    names = dict.fromkeys(name for row in rows for name in row)
    return {f"{name}_s": round(statistics.median(row[name] for row in rows if name in row), 2) for name in names}


def _imports_s() -> float:
    began = time.monotonic()
    code = "import analyzer.__main__, analyzer.app; print('ready', flush=True); input()"
    with program([sys.executable, "-c", code], {}, ready=b"ready"):
        return time.monotonic() - began


def _cpu_s(listener: LiveAnalyzer) -> float:
    root = psutil.Process(listener.pid)
    times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
    ended = root.cpu_times()
    spent = sum(one.user + one.system for one in times)
    return float(spent + ended.children_user + ended.children_system)


if __name__ == "__main__":
    print(run(print))
