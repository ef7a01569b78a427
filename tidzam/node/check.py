"""Does a node do its job, and which process to start again if not. Pure: a status in, faults out."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.config.settings import CheckSettings
from tidzam.node.status import NodeStatus, ServerHealth

PROGRAMS = ("jackd", "icecast", "stream_manager", "analyzer")
LOW_DISK_MB = 50


@dataclass(frozen=True)
class Fault:
    """Something that is wrong. `restart` names the program whose restart mends it; None if none would."""

    reason: str
    restart: str | None


def faults(status: NodeStatus, limits: CheckSettings) -> tuple[Fault, ...]:
    """Everything that is wrong with a node, causes before their consequences."""
    return (*_stopped(status), *_idle(status), *_starved(status, limits), *_silent(status))


def restarts(found: tuple[Fault, ...]) -> tuple[str, ...]:
    """The programs to start again, in the order in which they need one another, each once."""
    wanted = {fault.restart for fault in found}
    return tuple(program for program in PROGRAMS if program in wanted)


def _stopped(status: NodeStatus) -> list[Fault]:
    states = {process.name: process.state for process in status.processes}
    return [
        Fault(f"{name} is {states.get(name, 'not there')}.", name) for name in PROGRAMS if states.get(name) != "RUNNING"
    ]


def _idle(status: NodeStatus) -> list[Fault]:
    """Processes that run but do not do their job."""
    found = []
    if status.stream_manager.ok is not None and not status.stream_manager.detail.get("jack"):
        found.append(Fault("The JACK server does not answer the stream manager.", "jackd"))
    if not status.icecast_ok:
        found.append(Fault("Icecast does not answer.", "icecast"))
    playing = [source.state == "playing" for source in status.sources]
    # A source that cannot be played is not mended by a restart, nor is an analyzer that has nothing to hear.
    found += _server_faults("stream_manager", status.stream_manager, repairable=all(playing))
    found += _server_faults("analyzer", status.analyzer_server, repairable=any(playing))
    return found


def _server_faults(program: str, health: ServerHealth, *, repairable: bool) -> list[Fault]:
    restart = program if health.ok is None or (repairable and not health.ok) else None
    return [Fault(reason, restart) for reason in health.reasons]


def _silent(status: NodeStatus) -> list[Fault]:
    """What gives no sound, or has heard none: a restart would not help, or not yet."""
    found = [
        Fault(f"Source {source.name} is {source.state}: {source.last_error or 'no sound yet'}", None)
        for source in status.sources
        if source.state != "playing"
    ]
    if status.analyzer is not None and not status.analyzer.windows:
        found.append(Fault("The analyzer has analyzed nothing yet.", None))
    return found


def _starved(status: NodeStatus, limits: CheckSettings) -> list[Fault]:
    found = []
    if status.memory_mb > limits.memory_limit_mb:
        largest = max(status.processes, key=lambda process: process.share_mb)
        reason = f"The node takes {status.memory_mb:.0f} MB of memory, over its limit of {limits.memory_limit_mb} MB;"
        found.append(Fault(f"{reason} {largest.name} takes most.", largest.name.partition("/")[0]))
    if status.free_mb < LOW_DISK_MB:
        found.append(Fault(f"Only {status.free_mb:.0f} MB are free on the disk of {status.home}. Make room.", None))
    return found
