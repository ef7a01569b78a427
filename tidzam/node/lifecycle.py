"""Starts and stops a node with all its processes, and restarts programs that do not work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tidzam.config import Settings
from tidzam.errors import NodeError, TidzamError
from tidzam.heartbeats import beat
from tidzam.jack.server_names import require_free_name
from tidzam.node.check import (
    NodeFault,
    are_of_failed_sources,
    culprit,
    faults,
    programs_are_up,
    remarks,
    restarts,
    settled,
)
from tidzam.node.cleanup import end_processes, node_processes
from tidzam.node.home import Home
from tidzam.node.ports import require_free_ports
from tidzam.node.prepare import prepare, require_classifiers
from tidzam.node.programs import WATCHDOGS, LifeSign, node_programs
from tidzam.node.shared_memory import clear_shared_memory
from tidzam.node.status import NodeStatus, node_status
from tidzam.node.supervisor import Supervisor
from tidzam.node.system_packages import JACK_PROGRAMS, require_programs
from tidzam.process import is_suspended
from tidzam.progress import Say
from tidzam.tokens import ensure_token

POLL_S = 0.25
SOURCE_PATIENCE_S = 15.0
"""How long a start waits for the sources after all programs work. It does not wait for one that has failed."""
HEAL_PATIENCE_S = 8.0
"""How long a check waits for the node to recover by itself before it restarts a program that is not suspended."""


def start(home: Home, settings: Settings, *, keep: bool, say: Say) -> NodeStatus:
    """Start a node and wait until its programs work, and for up to SOURCE_PATIENCE_S until its sources play.

    A sound card that is missing is no failure either: the status reports it, and jackd is started until it is there.
    Raises TidzamError if it is already running, a port is in use, the disk is full, or a program does not start; then
    all processes are stopped unless `keep`. A source that cannot be played is no failure: the status reports it.
    """
    if Supervisor(home).process() is not None:
        raise NodeError(
            f"The node of {home.root} is already running.",
            hint="Show it with `tidzam status`, or use `tidzam restart`.",
            code="already_running",
        )
    clear(home, settings, say)
    verify(home, settings)
    resolved = prepare(home, settings, say)
    try:
        launch(home, settings, say)
        return _wait_until_up(home, resolved, say)
    except BaseException:
        if not keep:
            say("stopping what was started")
            stop(home, settings)
        raise


def restart(home: Home, settings: Settings, *, say: Say) -> NodeStatus:
    """Stop a node if it is running, and start it. Raises TidzamError before stopping it if it could not be started with
    `settings`."""
    verify(home, settings)
    if home.profile.is_file():
        previous = home.settings()
        try:
            stop(home, previous)
        except BaseException:  # interrupted: do not leave the node half stopped
            stop(home, previous)
            raise
    return start(home, settings, keep=False, say=say)


def verify(home: Home, settings: Settings) -> None:
    """Raises TidzamError for anything that would prevent a start with `settings`. Creates the home and a token."""
    require_programs(but=JACK_PROGRAMS if settings.edge.enabled else frozenset())
    home.root.mkdir(parents=True, exist_ok=True)
    home.require_space()
    ensure_token(home.token)
    require_classifiers(settings, home.root)
    own = frozenset(process.pid for process in node_processes(home))
    require_free_ports(settings, except_of=own)
    if not settings.edge.enabled:
        require_free_name(settings.jack.server, except_of=own)


def launch(home: Home, settings: Settings, say: Say) -> None:
    """Start supervisord and with it all programs, in a prepared and cleared home. Raises NodeError."""
    programs = node_programs(settings)
    *titles, last = [program.title for program in programs if program.name not in WATCHDOGS]
    say(f"starting {', '.join(titles)} and {last}")
    home.want(True)
    for program in programs:
        if program.life_sign is LifeSign.HEARTBEAT:
            beat(home.beat(program.name))  # now, since there may be no space for a new file later
    Supervisor(home).launch()


def relaunch(home: Home, settings: Settings, say: Say) -> None:
    """Restart the programs of a node whose supervisord is gone or hangs. Raises NodeError."""
    clear(home, settings, say)
    launch(home, settings, say)


def stop(home: Home, settings: Settings) -> None:
    """End every process of the node, grandchildren included, and what they held. Fine if none is running."""
    home.want(False)
    Supervisor(home).shutdown()
    clear(home, settings, lambda _: None)


def clear(home: Home, settings: Settings, say: Say) -> None:
    """Remove what an earlier run left behind: orphaned processes, stale pid and socket files, shared memory."""
    orphans = end_processes(home)
    if orphans:
        say(f"ended {orphans} processes left over from an earlier run")
    for path in (home.supervisor_pid, home.supervisor_socket):
        path.unlink(missing_ok=True)
    if not settings.edge.enabled:
        clear_shared_memory(settings.jack.server)


@dataclass(frozen=True)
class Checked:
    """The faults found, those that are left, and remarks."""

    found: tuple[NodeFault, ...]
    left: tuple[NodeFault, ...]
    remarks: tuple[str, ...]

    @property
    def verdict(self) -> str:
        if not self.found:
            return "healthy"
        return "not healthy" if self.left else "repaired"


def check(home: Home, settings: Settings, say: Say) -> Checked:
    """Find faults, and repair those that a restart repairs."""
    status = node_status(home, settings)
    found = faults(status, settings.check)
    if not found:
        return Checked((), (), remarks(status))
    supervisor = Supervisor(home)
    if supervisor.is_running() or _wakes(supervisor, say):
        _restart_broken(home, settings, found, say)
    else:
        say("the node is not running: starting it")
        _start_again(home, settings, say)
    status, left = _wait_for(home, settings, settings.check.start_timeout_s, lambda _, left: settled(left))
    return Checked(found, left, remarks(status))


def _restart_broken(home: Home, settings: Settings, found: tuple[NodeFault, ...], say: Say) -> None:
    """Restart programs that do not recover by themselves, and give those that depend on them some time; also if they
    are starting, or if the watchdog has restarted them meanwhile."""
    _, left = _wait_for(home, settings, HEAL_PATIENCE_S, lambda now, left: _are_suspended(now, restarts(left)))
    for program in restarts(left):
        say(f"restarting {program}")
        Supervisor(home).restart(program)
    if not settled((*found, *left)):
        _wait_for(home, settings, HEAL_PATIENCE_S, are_of_failed_sources)


def _are_suspended(status: NodeStatus, programs: tuple[str, ...]) -> bool:
    """Whether all of `programs` are suspended, and therefore do not recover by themselves."""
    pids = {process.name: process.pid for process in status.processes}
    return all((pid := pids.get(program)) is not None and is_suspended(pid) for program in programs)


def _wakes(supervisor: Supervisor, say: Say) -> bool:
    if not supervisor.wake():
        return False
    say("resumed supervisord, which was suspended")
    return True


def _start_again(home: Home, settings: Settings, say: Say) -> None:
    clear(home, settings, say)
    verify(home, settings)
    resolved = prepare(home, settings, say)
    launch(home, settings, say)
    _wait_until_up(home, resolved, say)


def _wait_until_up(home: Home, settings: Settings, say: Say) -> NodeStatus:
    """Wait for the programs, then for the sources. Raises NodeError for a program that does not start."""
    status, left = _wait_for(
        home, settings, settings.check.start_timeout_s, lambda status, _: programs_are_up(status), fail_fast=True
    )
    if not programs_are_up(status):
        raise _did_not_start(home, status, left)
    if status.sound_card_fault is not None or are_of_failed_sources(status, left):
        return status
    say("waiting for the sources to play")
    return _wait_for(home, settings, SOURCE_PATIENCE_S, are_of_failed_sources)[0]


def _wait_for(
    home: Home,
    settings: Settings,
    timeout_s: float,
    good_enough: Callable[[NodeStatus, tuple[NodeFault, ...]], bool],
    *,
    fail_fast: bool = False,
) -> tuple[NodeStatus, tuple[NodeFault, ...]]:
    """Poll until the status and its faults are `good_enough`, or until the timeout; returns the last ones.

    A thorough status, which takes longer, is only made to confirm a brief one, and at the end.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        brief = node_status(home, settings, thorough=False)
        given_up = fail_fast and brief.sound_card_fault is None and _has_failed(brief)
        is_last = given_up or time.monotonic() > deadline
        if is_last or good_enough(brief, faults(brief, settings.check)):
            status = node_status(home, settings)
            left = faults(status, settings.check)
            if is_last or good_enough(status, left):
                return status, left
        time.sleep(POLL_S)


def _has_failed(status: NodeStatus) -> bool:
    """Whether supervisord has given up a program."""
    return any(process.state == "FATAL" for process in status.processes)


def _did_not_start(home: Home, status: NodeStatus, left: tuple[NodeFault, ...]) -> TidzamError:
    program = culprit(status, left)
    reasons = " ".join(fault.reason for fault in left if fault.restart in (program, None))
    tail = "\n".join(f"    {line}" for line in home.tail(program))
    return NodeError(
        f"{program} did not start. {reasons}".strip(),
        hint=f"\nThe last lines of {home.log(program)}:\n{tail or '    (empty)'}",
        code="not_started",
    )
