"""Processor time and memory of processes, by what they work for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from tidzam.naming import ICECAST_SUFFIX, output_client
from tidzam.process import CHILD_ENV


@dataclass(frozen=True)
class ProcessReading:
    """What a process had used when it was read: `cpu_s` since its start; `memory_bytes` is its proportional set size,
    in which memory that several processes share is divided among them."""

    group: str
    cpu_s: float
    memory_bytes: int


Readings = Mapping[int, ProcessReading]
"""By process id."""


@dataclass(frozen=True)
class Cost:
    """The use of a group of processes: `cpu_percent` of one core on average, and memory at the end."""

    cpu_percent: float = 0.0
    memory_mb: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu_percent + other.cpu_percent, self.memory_mb + other.memory_mb)

    def per(self, count: int) -> Cost:
        """The mean of `count` equal shares."""
        return Cost(self.cpu_percent / count, self.memory_mb / count)

    def rounded(self) -> dict[str, float]:
        return {"cpu_percent": round(self.cpu_percent, 2), "memory_mb": round(self.memory_mb, 1)}


def costs(before: Readings, after: Readings, seconds: float) -> dict[str, Cost]:
    """The cost of each group between two readings that are `seconds` apart. Pure.

    A process that started in between counts with all its time; what one used that ended in between is not known.
    """
    found: dict[str, Cost] = {}
    for pid, now in after.items():
        earlier = before.get(pid)
        spent_s = now.cpu_s - (earlier.cpu_s if earlier is not None and earlier.group == now.group else 0.0)
        cost = Cost(100 * spent_s / seconds, now.memory_bytes / 1e6)
        found[now.group] = found.get(now.group, Cost()) + cost
    return found


def read_processes(roots: Mapping[str, int], sources: Collection[str]) -> dict[int, ProcessReading]:
    """Read each process of `roots`, by group, and all their children.

    A child that works for one of `sources` belongs to the group of its encoder or its player, any other to its root's.
    """
    found = {}
    for group, pid in roots.items():
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            try:
                found[process.pid] = _read(process, _role_of(process, sources) or group)
            except (psutil.Error, OSError):  # it has just ended
                continue
    return found


def child_pids(root: int, source: str) -> set[int]:
    """The processes under `root` that work for `source`."""
    children = psutil.Process(root).children(recursive=True)
    return {child.pid for child in children if _source_of(child, (source,))}


def _read(process: psutil.Process, group: str) -> ProcessReading:
    times = process.cpu_times()
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
    kilobytes = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return ProcessReading(group, times.user + times.system, 1024 * kilobytes)


def _source_of(process: psutil.Process, sources: Collection[str]) -> str | None:
    source = _child_name(process).split(" ")[0]
    return source if source in sources else None


def _role_of(process: psutil.Process, sources: Collection[str]) -> str | None:
    source = _source_of(process, sources)
    if source is None:
        return None
    return encoder_of(source) if output_client(source, ICECAST_SUFFIX) in process.cmdline() else player_of(source)


def player_of(source: str) -> str:
    """The group of the processes that play a source."""
    return f"{source}/player"


def encoder_of(source: str) -> str:
    """The group of the process that encodes a source for its mounts."""
    return f"{source}/encoder"


def _child_name(process: psutil.Process) -> str:
    """The name under which a program of Tidzam started it; empty for others."""
    try:
        return process.environ().get(CHILD_ENV, "")
    except (psutil.Error, OSError):
        return ""
