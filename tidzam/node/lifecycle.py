"""Starting a node whole, ending it wholly, and mending it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import psutil

from tidzam.addresses import url_host
from tidzam.config import Settings
from tidzam.errors import NodeError, TidzamError
from tidzam.node.check import Fault, faults, restarts
from tidzam.node.home import Home
from tidzam.node.leftovers import clear_shared_memory, end_processes
from tidzam.node.prepare import Say, prepare, require_classifiers
from tidzam.node.programs import require_programs
from tidzam.node.status import NodeStatus, node_status
from tidzam.node.supervisor import Supervisor

POLL_S = 0.25
SOURCE_PATIENCE_S = 15.0
"""How long a start waits for sources alone, once all programs do their job."""


def start(home: Home, settings: Settings, *, keep: bool, say: Say) -> NodeStatus:
    """Start a node and wait until it does its job.

    Raises TidzamError if it runs already, a port is taken, the disk is full, or a program does not come up; then
    nothing is left running unless `keep`. A source that cannot be played is no reason to end the others: it is told
    in the status.
    """
    require_programs()
    require_classifiers(settings)
    supervisor = Supervisor(home)
    if supervisor.is_running():
        raise NodeError(
            f"The node of {home.root} runs already.",
            hint="See it with `tidzam status`, or use `tidzam restart`.",
            code="already_running",
        )
    clear(home, settings, say)
    require_free_ports(settings)
    resolved = prepare(home, settings, say)
    say("starting jackd, icecast, the stream manager and the analyzer")
    try:
        supervisor.launch()
        return _wait_until_well(home, resolved, say)
    except BaseException:
        if not keep:
            stop(home, settings)
        raise


def stop(home: Home, settings: Settings) -> None:
    """End every process of the node, grandchildren included, and what they held. Fine if nothing runs."""
    Supervisor(home).shutdown()
    clear(home, settings, lambda _: None)


def clear(home: Home, settings: Settings, say: Say) -> None:
    """Clear away what an earlier run left: orphans, stale pid and socket files, shared memory."""
    orphans = end_processes(home)
    if orphans:
        say(f"ended {orphans} processes left over from an earlier run")
    for path in (home.supervisor_pid, home.supervisor_socket):
        path.unlink(missing_ok=True)
    clear_shared_memory(settings.jack.server)


def check(home: Home, settings: Settings, say: Say) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Look for faults and mend what a restart mends. Returns the faults found, and those still there."""
    found = faults(node_status(home, settings), settings.check)
    if not found:
        return (), ()
    supervisor = Supervisor(home)
    if not supervisor.is_running():
        say("the node is down; starting it")
        start(home, settings, keep=True, say=say)
    else:
        for program in restarts(found):
            say(f"restarting {program}")
            supervisor.restart(program)
    hopeless = {fault for fault in found if fault.restart is None}
    remaining = _wait_for(home, settings, settings.check.start_timeout_s, lambda left: set(left) <= hopeless)
    return found, remaining


def require_free_ports(settings: Settings) -> None:
    """Raises NodeError naming every port of the profile that somebody listens on already."""
    taken = [
        f"{url_host(server.host)}:{server.port} ({name}) is held by {_holder(server.port)}"
        for name, server in settings.servers.items()
        if not _is_free(server.host, server.port)
    ]
    if taken:
        raise NodeError(
            f"{'; '.join(taken)}.",
            hint="End that program, or give the node other ports in its profile.",
            code="port_in_use",
        )


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                name = psutil.Process(connection.pid).name() if connection.pid else "another program"
                return f"{name} (pid {connection.pid})" if connection.pid else name
    except psutil.Error:
        pass
    return "another program"


def _wait_until_well(home: Home, settings: Settings, say: Say) -> NodeStatus:
    """Wait for the programs; then, for a while, for the sources. Raises NodeError for what does not come up."""
    left = _wait_for(home, settings, settings.check.start_timeout_s, lambda left: not restarts(left), fail_fast=True)
    broken = restarts(left)
    if broken:
        raise _did_not_come_up(home, broken[0], left)
    say("waiting for the sources to sound")
    _wait_for(home, settings, SOURCE_PATIENCE_S, lambda left: not left)
    return node_status(home, settings)


def _wait_for(
    home: Home,
    settings: Settings,
    timeout_s: float,
    good_enough: Callable[[tuple[Fault, ...]], bool],
    *,
    fail_fast: bool = False,
) -> tuple[Fault, ...]:
    """Look again and again until what is left is `good_enough`; returns what is left then, or at the end."""
    deadline = time.monotonic() + timeout_s
    while True:
        status = node_status(home, settings)
        left = faults(status, settings.check)
        given_up = fail_fast and any(process.state == "FATAL" for process in status.processes)
        if good_enough(left) or given_up or time.monotonic() > deadline:
            return left
        time.sleep(POLL_S)


def _did_not_come_up(home: Home, program: str, left: tuple[Fault, ...]) -> TidzamError:
    reasons = " ".join(fault.reason for fault in left if fault.restart == program)
    tail = "\n".join(f"    {line}" for line in home.tail(program))
    return NodeError(
        f"{program} did not come up. {reasons}",
        hint=f"\nThe end of {home.log(program)}:\n{tail or '    (empty)'}",
        code="not_started",
    )
