"""Whether a node does its job, and what to restart if it does not. Pure: from a status to faults."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.config.settings import CheckSettings
from tidzam.node.programs import LifeSign, NodeProgram
from tidzam.node.status import NodeStatus, SupervisorState
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.protocol.stream_manager import SourceRemark, SourceStatus, StreamManagerHealth
from tidzam.results import ChannelState

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
    found = [fault for program in status.programs for fault in (*_stopped(status, program), *_idle(status, program))]
    return tuple(dict.fromkeys([*found, *_starved(status, limits)]))


def restarts(found: tuple[NodeFault, ...]) -> tuple[str, ...]:
    """The programs to restart, in the order in which they need one another, each once."""
    return tuple(dict.fromkeys(fault.restart for fault in found if fault.restart is not None))


def culprit(status: NodeStatus, found: tuple[NodeFault, ...]) -> str:
    """The program that keeps a node from starting: one that supervisord has given up or is starting once more comes
    before those that wait for it."""
    given_up = [program.name for program in status.programs if _state(status, program) == "FATAL"]
    down = [program.name for program in status.programs if _state(status, program) != "RUNNING"]
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
        all(_state(status, program) == "RUNNING" for program in status.programs)
        and all(health.ok is not None for health in status.servers.values())
        and manager is not None
        and manager.jack
        and manager.icecast
        and status.jack_ok is not False
    )


def _not_supervised(status: NodeStatus) -> NodeFault:
    running = ", ".join(f"{process.name} ({process.pid})" for process in status.strays)
    if status.supervisor is SupervisorState.SILENT:
        return NodeFault("supervisord does not answer, so no program that ends is started again.")
    if running:
        return NodeFault(f"supervisord is gone, but these processes of the node are still running: {running}.")
    return NodeFault("The node is not running.")


def _state(status: NodeStatus, program: NodeProgram) -> str:
    """Supervisor's state of a program."""
    return next((process.state for process in status.processes if process.name == program.name), "unknown")


def _stopped(status: NodeStatus, program: NodeProgram) -> list[NodeFault]:
    state = _state(status, program)
    if state == "RUNNING":
        return []
    reason = f"{program.name} is not running: its state is {state}."
    return [_unless_starting(reason, program.name, starting=state in STARTING)]


def _idle(status: NodeStatus, program: NodeProgram) -> list[NodeFault]:
    """Faults of a program that is running and does not do its job."""
    if program.life_sign is LifeSign.JACK_CYCLES and status.jack_ok is False:
        return _hangs(status, program.name, ("jackd is running, but its cycles have stopped: no audio flows.",))
    health = status.servers.get(program.name)
    if health is None:
        return []
    if health.ok is None:
        return _hangs(status, program.name, health.reasons)
    if program.name == "stream_manager" and status.manager is not None:
        return _stream_manager(status, status.manager)
    if program.name == "analyzer" and status.analyzer is not None:
        return _analyzer(status, status.analyzer)
    return [NodeFault(reason) for reason in health.reasons]


def _unless_starting(reason: str, program: str, *, starting: bool) -> NodeFault:
    """A fault that a restart of `program` repairs, unless it is starting already."""
    return NodeFault(reason, pending=True) if starting else NodeFault(reason, program)


def _hangs(status: NodeStatus, program: str, reasons: tuple[str, ...]) -> list[NodeFault]:
    """Faults of a program that runs, and does not do its job; none if it does not run, which is reported elsewhere."""
    runs = (process for process in status.processes if process.name == program and process.state == "RUNNING")
    return [
        _unless_starting(reason, program, starting=process.uptime_s < YOUNG_S) for process in runs for reason in reasons
    ]


def _stream_manager(status: NodeStatus, manager: StreamManagerHealth) -> list[NodeFault]:
    found = [
        NodeFault(fault.message, "stream_manager" if fault.origin == "stream_manager" else None)
        for fault in manager.faults
        if fault.origin != "icecast" or status.answers("icecast")  # else it is reported already
    ]
    named = {fault.source for fault in manager.faults}
    return [
        *found,
        *(_source_fault(source) for source in status.sources if _fails(source) and source.name not in named),
    ]


def _fails(source: SourceStatus) -> bool:
    return source.state != "playing" and not source.ok


def _source_fault(source: SourceStatus) -> NodeFault:
    reason = f"Source {source.name} is {source.state}: {source.last_error or 'no sound yet.'}"
    return NodeFault(reason, pending=source.state == "loading")


def _analyzer(status: NodeStatus, analyzer: AnalyzerHealth) -> list[NodeFault]:
    """An analyzer without audio is not itself at fault: either a source is, or nothing."""
    playing = any(source.state == "playing" for source in status.sources)
    found = [
        _unless_starting(fault.message, "analyzer", starting=fault.code == "starting")
        if fault.origin == "analyzer"
        else NodeFault(fault.message, pending=fault.code == "no_channel")
        for fault in analyzer.faults
        if playing or fault.origin == "bundle"
    ]
    if not analyzer.faults and playing:
        found += [NodeFault(reason) for reason in status.servers["analyzer"].reasons]
    if playing and not analyzer.windows:
        found.append(NodeFault("The analyzer has not analyzed anything yet.", pending=True))
    return found


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
