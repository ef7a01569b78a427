"""Finds and ends the processes that a node has left behind."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

from tidzam.node.home import Home
from tidzam.node.supervisor import NODE_ENV, Supervisor

GRACE_S = 3.0


def node_processes(home: Home) -> list[psutil.Process]:
    """All processes of the node of `home`, including grandchildren and orphans."""
    return [process for process in psutil.process_iter() if _belongs(process, home)]


def end_processes(home: Home) -> int:
    """End all processes of the node with SIGTERM, then SIGKILL. Returns their number.

    supervisord is killed first, so that it does not restart the others. jackd comes last: it ends cleanly only after
    its clients.
    """
    processes = node_processes(home)
    supervisor = Supervisor(home).process()
    if supervisor is not None:
        _kill([supervisor])
    servers = [process for process in processes if _name(process) == "jackd"]
    for group in ([process for process in processes if process not in servers], servers):
        _end(group)
    return len(processes)


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
            process.resume()  # a suspended process receives SIGTERM only when it is resumed
    _, alive = psutil.wait_procs(processes, timeout=GRACE_S)
    _kill(alive)


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=GRACE_S)


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
