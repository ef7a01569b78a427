"""The console under load: pages, live updates and listening for 200 browsers, while the analyzer loses nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.browsers import Browsers
from benchmarks.harness import analyzer, feeder, jack_server, program, wait_for
from benchmarks.latency import percentiles
from benchmarks.program_stand_ins import MOUNTS, StandIns
from benchmarks.store_rows import fill
from console.accounts.log_in import begin_session
from tests.support.ports import free_port
from tidzam.accounts.audit import Actor
from tidzam.accounts.roles import Role
from tidzam.accounts.users import add_user
from tidzam.config.store import StoreSettings
from tidzam.errors import NodeError
from tidzam.proxy import open_direct
from tidzam.store.database import open_store

TITLE = "200 browsers on one console: the time of pages, the delay of live updates, and what the analyzer loses"

RATE_HZ: Final = 48000
PERIOD: Final = 2048
PAGES: Final = (
    *("/", "/detections", "/species", "/activity", "/annotate", "/search", "/models", "/sources", "/node", "/account"),
    *("/api/v1/live", "/api/v1/detections?limit=50", "/api/v1/annotations/counts?channel=wetland:out_0"),
)
"""What browsers read, one after the other."""
_USERS: Final = 20
_SETTLE_S: Final = 5.0


def run(
    say: Callable[[str], None],
    *,
    browsers: str = "200",
    listening: str = "20",
    channels: str = "16",
    detections: str = "200000",
    seconds: str = "30",
) -> dict[str, Any]:
    """A console beside an analyzer of so many `channels`, with so many `detections` in its store. All `browsers` follow
    what is heard, and read a page every 5 s; `listening` of them also listen. The stream manager and Icecast are
    stand-ins in the process of the benchmark: what is measured is the console."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        say(f"a store with {detections} detections")
        cookies, port = prepared(home, int(detections)), free_port()
        server = stack.enter_context(jack_server(rate_hz=RATE_HZ, period=PERIOD))
        stack.enter_context(feeder(server, f"--channels={channels}"))
        listener = stack.enter_context(analyzer(server, "feeder:"))
        listener.wait(channels=int(channels))
        stand_ins = stack.enter_context(StandIns().serving())
        pid = stack.enter_context(_console(home, port, analyzer=listener.url, stand_ins=stand_ins))
        load = Browsers(
            cookies=[f"tidzam_session_{port}={cookie}" for cookie in cookies],
            watching=int(browsers),
            reading=int(browsers),
            listening=int(listening),
            pages=PAGES,
            mounts=MOUNTS,
        )
        time.sleep(_SETTLE_S)
        before = listener.health()
        say(f"{browsers} browsers for {seconds} s, of which {listening} listen")
        with _cpu_of(pid) as cpu, _cpu_of(listener.pid) as analyzer_cpu:
            measured = _loaded(f"http://127.0.0.1:{port}", load, float(seconds))
        after = listener.health()
    lost = None if before is None or after is None else after.dropped_windows - before.dropped_windows
    return {
        "browsers": int(browsers),
        "channels": int(channels),
        "detections": int(detections),
        **figures_of(measured, float(seconds)),
        "console_cpu": round(cpu[0] / float(seconds), 2),
        "analyzer_cpu": round(analyzer_cpu[0] / float(seconds), 2),
        "analyzer_dropped_windows": lost,
    }


def figures_of(measured: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Percentiles of pages and updates in milliseconds, and how many of them came."""
    every = [taken for times in measured["page_ms"].values() for taken in times]
    pages = {f"page_{name}": value for name, value in percentiles(every).items()} if every else {}
    updates = {f"update_{name}": value for name, value in percentiles(measured["late_ms"]).items()}
    slowest = {
        f"{page}_p95_ms": percentiles(times)["p95_ms"] for page, times in sorted(measured["page_ms"].items()) if times
    }
    return {
        "pages": len(every),
        **pages,
        **slowest,
        "updates_per_s": round(measured["updates"] / seconds, 1),
        **(updates if measured["late_ms"] else {}),
        "listeners": sum(heard > 0 for heard in measured["heard_bytes"]),
        "failures": measured["failures"],
    }


def prepared(home: Path, detections: int) -> list[str]:
    """A store in `home` with detections and users. Returns the cookies of their sessions."""
    now, by = datetime.now(UTC), Actor(name="benchmark")
    with open_store(StoreSettings(), home) as store:
        fill(store, detections)
        with store.write() as session:
            names = [f"user{number}" for number in range(_USERS)]
            users = [add_user(session, name, Role.ANNOTATOR, None, by=by, now=now) for name in names]
            return [begin_session(session, user, address="", agent="", now=now).cookie for user in users]


@contextmanager
def _console(home: Path, port: int, *, analyzer: str, stand_ins: StandIns) -> Iterator[int]:
    """A console of a node in `home`; yields its process id."""
    profile = home / "profile.yaml"
    settings = {
        "home": str(home),
        "node": {"name": "garden"},
        "stream_manager": {"port": stand_ins.manager_port},
        "analyzer": {"port": int(analyzer.rpartition(":")[2])},
        "icecast": {"port": stand_ins.icecast_port},
        "console": {"port": port, "streams": 1000, "streams_per_visitor": 1000, "requests_per_s": 10000},
    }
    profile.write_text(json.dumps(settings))
    argv = [sys.executable, "-m", "console", f"--profile={profile}"]
    with program(argv, {}) as process:
        wait_for(lambda: _answers(port), "The console does not answer.", within_s=90.0)
        yield process.pid


def _answers(port: int) -> bool:
    try:
        with open_direct(f"http://127.0.0.1:{port}/healthz", timeout_s=5) as answer:
            return bool(json.load(answer)["ok"])
    except OSError:
        return False


def _loaded(url: str, load: Browsers, seconds: float) -> dict[str, Any]:
    """The browsers in a process of their own."""
    argv = [sys.executable, "-m", "benchmarks.browsers", url, f"--seconds={seconds}"]
    given = json.dumps(vars(load)) + "\n"
    done = subprocess.run(argv, input=given, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode:
        raise NodeError("The browsers ended early.", hint=done.stderr[-500:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def _cpu_of(pid: int) -> Iterator[list[float]]:
    """The processor time in seconds that a process uses while the context is open; known at its end."""
    process, used = psutil.Process(pid), list[float]()
    before = process.cpu_times()
    yield used
    after = process.cpu_times()
    used.append(after.user + after.system - before.user - before.system)


if __name__ == "__main__":
    print(run(print))
