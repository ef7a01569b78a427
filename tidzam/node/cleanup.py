"""What a node that did not end well may leave behind, and how it is cleared away."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

from tidzam.node.home import Home
from tidzam.node.supervisor import NODE_ENV, Supervisor

GRACE_S = 3.0


def node_processes(home: Home) -> list[psutil.Process]:
    """Every process that belongs to the node of `home`, grandchildren and orphans included."""
    return [process for process in psutil.process_iter() if _belongs(process, home)]


def end_processes(home: Home) -> int:
    """End what still runs of the node: TERM, then KILL. Returns how many processes that were.

    supervisord is killed first, lest it start again what is ended, and jackd asked last: it ends cleanly only once its
    clients have gone.
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
            process.resume()  # TERM reaches a process that was stopped by a signal only when it goes on
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
