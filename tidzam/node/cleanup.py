"""Finds and ends the processes that a node has left behind."""

from __future__ import annotations

import os
import time
from contextlib import suppress

import psutil

from tidzam.node.home import Home
from tidzam.node.supervisor import Supervisor, has_ended
from tidzam.process import NODE_ENV

GRACE_S = 3.0
POLL_S = 0.02
ROUNDS = 3


def node_processes(home: Home) -> list[psutil.Process]:
    """All processes of the node of `home`, including grandchildren and orphans."""
    return [process for process in psutil.process_iter() if _belongs(process, home)]


def end_processes(home: Home) -> int:
    """End all processes of the node with SIGTERM, then SIGKILL. Returns their number.

    supervisord is killed first, so that it does not restart the others. One that was only starting is not known yet,
    and may start programs while it ends: hence the rounds. jackd comes last: it ends cleanly only after its clients.
    """
    ended: set[int] = set()
    for _ in range(ROUNDS):
        processes = node_processes(home) or node_processes(home)  # one look may miss what a process forks as it ends
        if not processes:
            break
        ended.update(process.pid for process in processes)
        supervisor = Supervisor(home).process()
        if supervisor is not None:
            _kill([supervisor])
        servers = [process for process in processes if _name(process) == "jackd"]
        for group in ([process for process in processes if process not in servers], servers):
            _end(group)
    return len(ended)


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
            process.resume()  # a suspended process receives SIGTERM only when it is resumed
    _kill(_alive_after(processes, GRACE_S))


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _alive_after(processes, GRACE_S)


def _alive_after(processes: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Those that have not ended when all others have, or after `timeout_s`.

    A process counts as ended before its parent notices it: that of an orphan may be an init that does so rarely.
    """
    deadline = time.monotonic() + timeout_s
    while (alive := [process for process in processes if not has_ended(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return alive


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""


def _belongs(process: psutil.Process, home: Home) -> bool:
    if process.pid == os.getpid():
        return False
    with suppress(psutil.Error, OSError):
        return process.environ().get(NODE_ENV) == str(home.root)
    return False
