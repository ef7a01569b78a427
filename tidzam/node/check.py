"""Finds the faults of a node and the programs to restart. Pure: from a status to faults."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.config.settings import CheckSettings
from tidzam.node.edge_status import edge_faults, edge_remarks
from tidzam.node.programs import LifeSign, NodeProgram
from tidzam.node.status import NodeStatus, SupervisorState
from tidzam.protocol.analyzer import AnalyzerHealth, cascade_remarks
from tidzam.protocol.source_status import SourceRemark, SourceState, SourceStatus
from tidzam.protocol.stream_manager import StreamManagerHealth

STARTING = ("STARTING", "BACKOFF", "STOPPING")
"""States of supervisord that change by themselves."""
YOUNG_S = 20.0
"""A program that has been running for a shorter time is not restarted because it does not work yet."""
LOW_DISK_MB = 50
LEAK_AFTER_S = 3600.0
"""If a program uses too much memory sooner after its start, a restart would not help: it needs that much."""


@dataclass(frozen=True)
class NodeFault:
    """Something that is wrong. `restart` is the program whose restart repairs it, None if a restart would not help.

    A `pending` fault is expected to disappear soon, because something is starting. `source` is the name of the source
    that has the fault, if it is one.
    """

    reason: str
    restart: str | None = None
    pending: bool = False
    source: str | None = None


def faults(status: NodeStatus, limits: CheckSettings) -> tuple[NodeFault, ...]:
    """All faults of a node, causes before their consequences.

    Programs repair their child processes themselves. A program is restarted only if it is not running, does not answer
    or reports that it is at fault, and never because of a source.
    """
    if not status.running:
        return (_not_supervised(status),)
    found = [
        *_sound_card(status),
        *(fault for program in status.programs for fault in (*_stopped(status, program), *_idle(status, program))),
        *_edge(status),
    ]
    return tuple(dict.fromkeys([*found, *_starved(status, limits)]))


def restarts(found: tuple[NodeFault, ...]) -> tuple[str, ...]:
    """The programs to restart, each once, those that others need first."""
    return tuple(dict.fromkeys(fault.restart for fault in found if fault.restart is not None))


def culprit(status: NodeStatus, found: tuple[NodeFault, ...]) -> str:
    """The program that prevents a node from starting: one that supervisord has given up or is starting again comes
    before programs that wait for it."""
    given_up = [program.name for program in status.programs if _state(status, program) == "FATAL"]
    down = [program.name for program in status.programs if _state(status, program) != "RUNNING"]
    return next(iter([*given_up, *down, *restarts(found)]), "stream_manager")


def settled(found: tuple[NodeFault, ...]) -> bool:
    """Whether neither waiting nor a restart would change the faults."""
    return not any(fault.restart or fault.pending for fault in found)


def are_of_failed_sources(status: NodeStatus, found: tuple[NodeFault, ...]) -> bool:
    """Whether all faults are of sources for which a start does not wait: they have failed for a reason that only a
    person can change, or a second time."""
    failed = {source.name for source in status.sources if _has_failed(source)}
    if status.edge is not None:
        return not any(fault.pending for fault in found)
    return all(fault.source in failed for fault in found)


def _has_failed(source: SourceStatus) -> bool:
    is_retried = source.state is SourceState.WAITING
    return source.state in (SourceState.FAILED, SourceState.ENDED) or (is_retried and source.restarts > 0)


def remarks(status: NodeStatus) -> tuple[str, ...]:
    """Remarks for the operator that are not faults: sources with a low sample rate, sources that a client has replaced,
    channels that lack a part of the band, sinks of the analyzer that fail, classifiers that it refused, a shadow that
    fails, and that privacy is active."""
    narrow = [
        f"Source {source.name} has a sample rate of {source.rate_hz} Hz: it has no content above {source.band_hz} Hz."
        for source in status.sources
        if SourceRemark.LOW_SAMPLE_RATE in source.remarks
    ]
    replaced = [
        f"Source {source.name} was loaded by a client and replaces the source of that name in the profile."
        for source in status.sources
        if SourceRemark.REPLACED in source.remarks
    ]
    channels = status.analyzer.channel_states if status.analyzer else ()
    band_limited = [channel.remark for channel in channels if channel.remark]
    sinks = status.analyzer.sinks if status.analyzer else ()
    failing = [
        f"The analyzer's sink {sink.name} fails and is tried again until it works: {sink.fault}"
        for sink in sinks
        if sink.fault
    ]
    cascade = cascade_remarks(status.analyzer) if status.analyzer else ()
    privacy = status.analyzer.privacy if status.analyzer else None
    private = [privacy.remark] if privacy else []
    edge = [] if status.edge is None else edge_remarks(status.edge)
    return (*edge, *narrow, *replaced, *band_limited, *failing, *cascade, *private)


def programs_are_up(status: NodeStatus) -> bool:
    """Whether all programs run and answer, and the stream manager is connected to JACK and Icecast.

    JACK is not waited for while its sound card is at fault.
    """
    if status.edge is not None:
        loading = any(fault.pending and fault.source is None for fault in _edge(status))
        return all(_state(status, program) == "RUNNING" for program in status.programs) and not loading
    manager = status.manager
    lacks_jack = status.sound_card_fault is not None
    return (
        all(_state(status, program) == "RUNNING" or _lacks_sound_card(status, program) for program in status.programs)
        and all(health.ok is not None for health in status.servers.values())
        and manager is not None
        and manager.icecast
        and (lacks_jack or (manager.jack and status.jack_ok is not False))
    )


def _sound_card(status: NodeStatus) -> list[NodeFault]:
    return [] if status.sound_card_fault is None else [NodeFault(status.sound_card_fault)]


def _not_supervised(status: NodeStatus) -> NodeFault:
    running = ", ".join(f"{process.name} ({process.pid})" for process in status.strays)
    if status.supervisor is SupervisorState.SILENT:
        return NodeFault("supervisord does not answer, so programs that end are not restarted.")
    if running:
        return NodeFault(f"supervisord is gone, but these processes of the node are still running: {running}.")
    return NodeFault("The node is not running.")


def _state(status: NodeStatus, program: NodeProgram) -> str:
    """The state of a program according to supervisord."""
    return next((process.state for process in status.processes if process.name == program.name), "unknown")


def _stopped(status: NodeStatus, program: NodeProgram) -> list[NodeFault]:
    state = _state(status, program)
    if state == "RUNNING" or _lacks_sound_card(status, program):
        return []
    reason = f"{program.name} is not running: its state is {state}."
    return [_unless_starting(reason, program.name, starting=state in STARTING)]


def _idle(status: NodeStatus, program: NodeProgram) -> list[NodeFault]:
    """Faults of a program that is running but does not work."""
    if _lacks_sound_card(status, program):
        return []
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


def _lacks_sound_card(status: NodeStatus, program: NodeProgram) -> bool:
    """Whether `program` is a jackd whose sound card is at fault, which is reported, and which no restart repairs."""
    return status.sound_card_fault is not None and program.life_sign is LifeSign.JACK_CYCLES


def _unless_starting(reason: str, program: str, *, starting: bool) -> NodeFault:
    """A fault that a restart of `program` repairs; pending while it is starting."""
    return NodeFault(reason, pending=True) if starting else NodeFault(reason, program)


def _hangs(status: NodeStatus, program: str, reasons: tuple[str, ...]) -> list[NodeFault]:
    """Faults of a program that is running but does not work; none if it is not running, which is another fault."""
    runs = (process for process in status.processes if process.name == program and process.state == "RUNNING")
    return [
        _unless_starting(reason, program, starting=process.uptime_s < YOUNG_S) for process in runs for reason in reasons
    ]


def _edge(status: NodeStatus) -> list[NodeFault]:
    """Faults of an edge node whose programs run."""
    if status.edge is None:
        return []
    pids = {process.name: process.pid for process in status.processes if process.state == "RUNNING"}
    running = {"recorder", "inference"} <= pids.keys()
    found = edge_faults(status.edge, pids) if running else []
    return [NodeFault(one.reason, pending=one.pending, source=one.source) for one in found]


def _stream_manager(status: NodeStatus, manager: StreamManagerHealth) -> list[NodeFault]:
    found = [
        NodeFault(fault.message, "stream_manager" if fault.origin == "stream_manager" else None, source=fault.source)
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
    reason = f"Source {source.name} {source.state.predicate}: {source.last_error or 'No audio yet.'}"
    return NodeFault(reason, pending=source.state == "loading", source=source.name)


def _analyzer(status: NodeStatus, analyzer: AnalyzerHealth) -> list[NodeFault]:
    """An analyzer without audio is not itself at fault; a source may be. A source that is copied has no ports."""
    playing = any(source.state == "playing" and source.ports for source in status.sources)
    found = [
        _unless_starting(fault.message, "analyzer", starting=fault.code == "starting")
        if fault.origin == "analyzer"
        else NodeFault(fault.message, pending=fault.code == "no_channel")
        for fault in analyzer.faults
        if playing or fault.origin == "bundle"
    ]
    if not analyzer.faults and playing:
        harmless = cascade_remarks(analyzer)
        found += [NodeFault(reason) for reason in status.servers["analyzer"].reasons if reason not in harmless]
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
