"""Events to many clients: how many per second, how late, and whether clients that stop reading harm the others."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psutil

from benchmarks.feeder import shares
from benchmarks.harness import LiveAnalyzer, analyzer, feeder, jack_server, program
from benchmarks.latency import percentiles
from benchmarks.stopped_reader import connect_and_stop_reading, text_frame
from tidzam.errors import NodeError

TITLE = "500 Socket.IO clients, each on one of 32 channels: events per second, delay, and clients that stop reading"

RATE_HZ: Final = 48000
PERIOD: Final = 2048
WINDOW_S: Final = 1.0
_SETTLE_S: Final = 5.0
_ALONE_S: Final = 10.0
_DROPPED_WITHIN_S: Final = 90.0
_SIGN_EVERY_S: Final = 0.1
_CONNECT: Final = "40"
_EVERYTHING: Final = '42["subscribe",{"events":["analysis","detection","health"]}]'
_PONG: Final = "3"

Events = Mapping[str, Sequence[tuple[float, float]]]
"""For each client, the end of each window that it received an event of, and the arrival, in seconds since 1970."""


@dataclass(frozen=True)
class Phase:
    """A part of the measurement, in seconds since 1970, and the processor time that the analyzer used in it."""

    begin: float
    end: float
    cpu_s: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin

    @property
    def cores(self) -> float:
        return self.cpu_s / self.seconds


def run(
    say: Callable[[str], None],
    *,
    clients: str = "500",
    channels: str = "32",
    overlap: str = "0.5",
    seconds: str = "30",
    stopped: str = "5",
    processes: str = "2",
) -> dict[str, Any]:
    """An analyzer with so many `channels`, first without clients, then with `clients` (in so many `processes`), each of
    which receives the events of one channel. After `seconds`, other clients, as many as `stopped`, subscribe to
    everything and stop reading; once the server has dropped all of them, the first ones listen for `seconds` again."""
    with (
        jack_server(rate_hz=RATE_HZ, period=PERIOD) as server,
        feeder(server, f"--channels={channels}"),
        analyzer(server, "feeder:", f"--overlap={overlap}") as listener,
    ):
        listener.wait(channels=int(channels))
        time.sleep(_SETTLE_S)
        say(f"{channels} channels without clients, {_ALONE_S:g} s")
        alone = _phase(listener, lambda: time.sleep(_ALONE_S))
        with _listening(listener.url, int(clients), int(processes), int(channels)) as programs:
            time.sleep(_SETTLE_S)
            say(f"{clients} clients for {seconds} s; then {stopped} more that stop reading; then {seconds} s")
            phases, dropped_s = _phases(listener, float(seconds), int(stopped))
            health = listener.health()
            events, disconnected = _results(programs)
    return {
        "clients": int(clients),
        "channels": int(channels),
        "missed": missed(events, hop_s=WINDOW_S * (1 - float(overlap))),
        "disconnected": disconnected,
        "dropped_windows": health.dropped_windows if health else None,
        **figures_of(events, phases, alone),
        "stopped": int(stopped),
        "stopped_dropped": len(dropped_s),
        "stopped_dropped_after_s": round(max(dropped_s), 1) if dropped_s else None,
        "stopped_dropped_messages": health.dropped_messages if health else None,
    }


def _phases(listener: LiveAnalyzer, seconds: float, stopped: int) -> tuple[dict[str, Phase], list[float]]:
    """Before, while and after clients stop reading; and the seconds after which they were dropped."""
    dropped_s: list[float] = []
    before = _phase(listener, lambda: time.sleep(seconds))
    during = _phase(listener, lambda: dropped_s.extend(asyncio.run(_stop_reading(listener, stopped))))
    after = _phase(listener, lambda: time.sleep(seconds))
    return {"before": before, "during": during, "after": after}, dropped_s


def figures_of(events: Events, phases: Mapping[str, Phase], alone: Phase) -> dict[str, Any]:
    """The rate, the delays and the processor time (in cores) of each phase. `alone` is one without clients."""
    figures: dict[str, Any] = {"without_clients_cpu": round(alone.cores, 3)}
    for name, phase in phases.items():
        delays = delays_ms(events, phase)
        if not delays:
            continue
        rate = len(delays) / phase.seconds
        figures |= {f"{name}_{key}": value for key, value in percentiles(delays).items()}
        figures |= {
            f"{name}_events_per_s": round(rate, 1),
            f"{name}_cpu": round(phase.cores, 3),
            f"{name}_cpu_us_per_event": round((phase.cores - alone.cores) / rate * 1e6),
        }
    return figures


def delays_ms(events: Events, phase: Phase) -> list[float]:
    """The delays of the events that arrived in a phase, from the end of their windows."""
    return [
        1000 * (arrival - end)
        for received in events.values()
        for end, arrival in received
        if phase.begin <= arrival < phase.end
    ]


def missed(events: Events, *, hop_s: float) -> int:
    """The windows between the first and the last of each client of which it received no event."""
    ends = [[end for end, _ in received] for received in events.values() if received]
    return sum(round((one[-1] - one[0]) / hop_s) + 1 - len(one) for one in ends)


def _phase(listener: LiveAnalyzer, work: Callable[[], object]) -> Phase:
    process, begin = psutil.Process(listener.pid), time.time()
    before = process.cpu_times()
    work()
    after = process.cpu_times()
    return Phase(begin, time.time(), after.user + after.system - before.user - before.system)


@contextmanager
def _listening(url: str, clients: int, processes: int, channels: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Well-behaved clients, in several processes so that none of them is the bottleneck."""
    with ExitStack() as stack:
        programs, first = [], 0
        for count in shares(clients, processes):
            argv = [sys.executable, "-m", "benchmarks.listeners", url, f"--clients={count}", f"--first={first}"]
            programs.append(stack.enter_context(program([*argv, f"--channels={channels}"], {}, ready=b"ready")))
            first += count
        yield programs


def _results(programs: Sequence[subprocess.Popen[bytes]]) -> tuple[Events, int]:
    """End the clients; returns what they received, and how many of them were disconnected."""
    events: dict[str, Sequence[tuple[float, float]]] = {}
    disconnected = 0
    for process in programs:
        process.terminate()
        output = process.stdout.readline() if process.stdout else b""
        if not output:
            raise NodeError("The clients ended early.", hint="Run `python -m benchmarks.listeners` to see why.")
        result = json.loads(output)
        events |= result["events"]
        disconnected += result["disconnected"]
    return events, disconnected


async def _stop_reading(listener: LiveAnalyzer, count: int) -> list[float]:
    """Clients that subscribe to everything and read nothing: the seconds after which the server dropped each of them.

    Those that it does not drop within a time limit are left out.
    """
    tasks = [asyncio.create_task(_until_dropped(listener.url)) for _ in range(count)]
    done, pending = await asyncio.wait(tasks, timeout=_DROPPED_WITHIN_S) if tasks else (set(), set())
    for task in pending:
        task.cancel()
    return [task.result() for task in done]


async def _until_dropped(url: str) -> float:
    began = time.monotonic()
    writer = await connect_and_stop_reading(url, (_CONNECT, _EVERYTHING))
    while not writer.is_closing():
        writer.write(text_frame(_PONG))
        await asyncio.sleep(_SIGN_EVERY_S)
    return time.monotonic() - began


if __name__ == "__main__":
    print(run(print))
