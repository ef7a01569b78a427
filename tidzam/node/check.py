"""Whether a node does its job, and what to restart if it does not. Pure: from a status to faults."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.config.settings import CheckSettings
from tidzam.node.signs import WATCHDOGS
from tidzam.node.status import NodeStatus, ServerHealth, SupervisorState
from tidzam.protocol.stream_manager import SourceRemark, SourceStatus
from tidzam.results import ChannelState

PROGRAMS = ("jackd", "icecast", "stream_manager", "analyzer", *WATCHDOGS)
STARTING = ("STARTING", "BACKOFF", "STOPPING")
"""Supervisor's states that pass by themselves."""
YOUNG_S = 20.0
"""A program that has been running for less is not restarted for not doing its job yet."""
LOW_DISK_MB = 50
LEAK_AFTER_S = 3600.0
"""A program that uses too much memory sooner after its start needs it: a restart would not help."""


@dataclass(frozen=True)
class NodeFault:
    """Something that is wrong. `restart` names the program whose restart repairs it; None if no restart would.

    A fault that is `pending` is expected to pass soon: something is starting.
    """

    reason: str
    restart: str | None = None
    pending: bool = False


def faults(status: NodeStatus, limits: CheckSettings) -> tuple[NodeFault, ...]:
    """Everything that is wrong with a node, causes before their consequences.

    The programs repair their own children. Only a program that does not run, does not answer, or reports itself at
    fault is restarted, and never one because of a source.
    """
    if not status.running:
        return (_not_supervised(status),)
    found = [*_stopped(status), *_jack(status), *_icecast(status), *_stream_manager(status), *_analyzer(status)]
    return tuple(dict.fromkeys([*found, *_starved(status, limits)]))


def restarts(found: tuple[NodeFault, ...]) -> tuple[str, ...]:
    """The programs to restart, in the order in which they need one another, each once."""
    wanted = {fault.restart for fault in found}
    return tuple(program for program in PROGRAMS if program in wanted)


def culprit(status: NodeStatus, found: tuple[NodeFault, ...]) -> str:
    """The program that keeps a node from starting: one that supervisord has given up or is starting once more comes
    before those that wait for it."""
    states = {process.name: process.state for process in status.processes}
    given_up = [program for program in PROGRAMS if states.get(program) == "FATAL"]
    down = [program for program in PROGRAMS if states.get(program) != "RUNNING"]
    return next(iter([*given_up, *down, *restarts(found)]), "stream_manager")


def settled(found: tuple[NodeFault, ...]) -> bool:
    """Whether neither waiting nor a restart would change anything."""
    return not any(fault.restart or fault.pending for fault in found)


def remarks(status: NodeStatus) -> tuple[str, ...]:
    """What an operator should know although no program is at fault: sources that lack part of the band, and sources
    that a client has replaced."""
    narrow = [
        f"Source {source.name} has a sample rate of {source.rate_hz} Hz: it has no content above {source.band_hz} Hz."
        for source in status.sources
        if SourceRemark.NARROW_BAND in source.remarks
    ]
    replaced = [
        f"Source {source.name} plays what a client loaded, in place of the profile's source of that name."
        for source in status.sources
        if SourceRemark.REPLACED in source.remarks
    ]
    channels = status.analyzer.channel_states if status.analyzer else ()
    left_out = [
        f"Channel {channel.channel} is {channel.state.replace('_', ' ')}: "
        f"it is not classified by {', '.join(channel.left_out) or 'any classifier'}."
        for channel in channels
        if channel.state is not ChannelState.LISTENING
    ]
    return (*narrow, *replaced, *left_out)


def programs_are_up(status: NodeStatus) -> bool:
    """Whether every program runs and answers, and the stream manager is connected to JACK and Icecast."""
    manager = status.manager
    return (
        not _stopped(status)
        and status.icecast_ok
        and manager is not None
        and manager.jack
        and manager.icecast
        and status.analyzer_server.ok is not None
        and status.jack_ok is not False
    )


def _not_supervised(status: NodeStatus) -> NodeFault:
    running = ", ".join(f"{process.name} ({process.pid})" for process in status.strays)
    if status.supervisor is SupervisorState.SILENT:
        return NodeFault("supervisord does not answer, so no program that ends is started again.")
    if running:
        return NodeFault(f"supervisord is gone, but these processes of the node are still running: {running}.")
    return NodeFault("The node is not running.")


def _stopped(status: NodeStatus) -> list[NodeFault]:
    states = {process.name: process.state for process in status.processes if "/" not in process.name}
    return [
        _unless_starting(f"{name} is not running: its state is {state}.", name, starting=state in STARTING)
        for name in PROGRAMS
        if (state := states.get(name, "unknown")) != "RUNNING"
    ]


def _unless_starting(reason: str, program: str, *, starting: bool) -> NodeFault:
    """A fault that a restart of `program` repairs, unless it is starting already."""
    return NodeFault(reason, pending=True) if starting else NodeFault(reason, program)


def _hangs(status: NodeStatus, program: str, reasons: tuple[str, ...]) -> list[NodeFault]:
    """Faults of a program that runs, and does not do its job; none if it does not run, which is reported elsewhere."""
    runs = (process for process in status.processes if process.name == program and process.state == "RUNNING")
    return [
        _unless_starting(reason, program, starting=process.uptime_s < YOUNG_S) for process in runs for reason in reasons
    ]


def _jack(status: NodeStatus) -> list[NodeFault]:
    reason = "jackd is running, but its cycles have stopped: no audio flows."
    return _hangs(status, "jackd", (reason,)) if status.jack_ok is False else []


def _icecast(status: NodeStatus) -> list[NodeFault]:
    return [] if status.icecast_ok else _hangs(status, "icecast", ("Icecast does not answer.",))


def _stream_manager(status: NodeStatus) -> list[NodeFault]:
    if status.manager is None:
        return _silent_server(status, "stream_manager", status.stream_manager)
    reported = status.manager.faults
    found = [
        NodeFault(fault.message, "stream_manager" if fault.origin == "stream_manager" else None)
        for fault in reported
        if fault.origin != "icecast" or status.icecast_ok  # else it is reported already
    ]
    named = {fault.source for fault in reported}
    return [
        *found,
        *(_source_fault(source) for source in status.sources if _fails(source) and source.name not in named),
    ]


def _fails(source: SourceStatus) -> bool:
    return source.state != "playing" and not source.ok


def _source_fault(source: SourceStatus) -> NodeFault:
    reason = f"Source {source.name} is {source.state}: {source.last_error or 'no sound yet.'}"
    return NodeFault(reason, pending=source.state == "loading")


def _analyzer(status: NodeStatus) -> list[NodeFault]:
    """An analyzer with nothing to listen to is not itself at fault: either a source is, or nothing."""
    if status.analyzer is None:
        return _silent_server(status, "analyzer", status.analyzer_server)
    playing = any(source.state == "playing" for source in status.sources)
    reported = status.analyzer.faults
    found = [
        _unless_starting(fault.message, "analyzer", starting=fault.code == "starting")
        if fault.origin == "analyzer"
        else NodeFault(fault.message, pending=fault.code == "no_channel")
        for fault in reported
        if playing or fault.origin == "bundle"
    ]
    if not reported and playing:
        found += [NodeFault(reason) for reason in status.analyzer_server.reasons]
    if playing and not status.analyzer.windows:
        found.append(NodeFault("The analyzer has not analyzed anything yet.", pending=True))
    return found


def _silent_server(status: NodeStatus, program: str, health: ServerHealth) -> list[NodeFault]:
    """A server that answers, but not with its health, does not hang."""
    return _hangs(status, program, health.reasons) if health.ok is None else [NodeFault(r) for r in health.reasons]


def _starved(status: NodeStatus, limits: CheckSettings) -> list[NodeFault]:
    found = []
    if status.memory_mb > limits.memory_limit_mb:
        found.append(_memory_fault(status, limits.memory_limit_mb))
    if status.free_mb < LOW_DISK_MB:
        found.append(
            NodeFault(f"Only {status.free_mb:.0f} MB are free on the disk of {status.home}. Free some space there.")
        )
    return found


def _memory_fault(status: NodeStatus, limit_mb: int) -> NodeFault:
    largest = max(status.processes, key=lambda process: process.share_mb)
    program = largest.name.partition("/")[0]
    uptime_s = next((process.uptime_s for process in status.processes if process.name == program), 0.0)
    return NodeFault(
        f"The node uses {status.memory_mb:.0f} MB of memory, more than its limit of {limit_mb} MB "
        f"(check.memory_limit_mb); {largest.name} uses most of it.",
        program if uptime_s > LEAK_AFTER_S else None,
    )
