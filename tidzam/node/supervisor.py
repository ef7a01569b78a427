"""supervisord, which runs a node's processes: its configuration, and what we ask of it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import psutil

from tidzam.errors import NodeError
from tidzam.node.home import SOCKET_NAME, Home

NODE_ENV = "TIDZAM_NODE"
"""Marks every process of a node, supervisord first, with its home, so that none is left behind."""

STOP_WAIT_S = 5
_AWAY = (OSError, HTTPException, xmlrpc.client.Error)


@dataclass(frozen=True)
class Program:
    """One process that supervisord keeps running."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True)
class ProgramState:
    """What supervisord says of a program. `state` is Supervisor's own word: RUNNING, BACKOFF, FATAL…"""

    name: str
    state: str
    pid: int | None
    uptime_s: float


def supervisor_config(programs: tuple[Program, ...]) -> str:
    """The text of supervisord.conf.

    All paths are relative to the home, which is supervisord's working directory. A path or an argument in this text
    would have to survive three syntaxes: inline comments, `%` expansion and shell words; Supervisor cannot express
    all of them. The programs' arguments and environments are in their launchers instead.
    """
    head = f"""[supervisord]
logfile=logs/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile=supervisord.pid
identifier=tidzam
silent=true

[unix_http_server]
file=/proc/self/cwd/{SOCKET_NAME}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    return "\n".join([head, *(_program_section(program.name, rank) for rank, program in enumerate(programs))])


def _program_section(name: str, rank: int) -> str:
    """Programs are started by rank and stopped in reverse: jackd ends cleanly only once its clients have gone."""
    return f"""[program:{name}]
priority={rank}
command=sh launchers/{name}.sh
autorestart=true
startsecs=2
startretries=4
stopwaitsecs={STOP_WAIT_S}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


def launcher(program: Program) -> bytes:
    """A shell script that becomes `program`: any byte may stand in its arguments and its environment."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in program.env.items()]
    # setpriv: should supervisord itself be killed, its programs end with it.
    command = shlex.join(["setpriv", "--pdeathsig=TERM", "--", *program.argv])
    return os.fsencode("\n".join(["# Written by `tidzam start`.", *exports, f"exec {command}", ""]))


class Supervisor:
    """The supervisord of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def is_running(self) -> bool:
        try:
            self._call("getState")
        except _AWAY:
            return False
        return True

    def launch(self, timeout_s: float = 10.0) -> None:
        """Start supervisord, which goes to the background, and wait until it answers."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", self._home.supervisor_config.name],
            cwd=self._home.root,
            env={**os.environ, NODE_ENV: str(self._home.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        deadline = time.monotonic() + timeout_s
        while done.returncode or not self.is_running():
            if done.returncode or time.monotonic() > deadline:
                raise NodeError(f"supervisord did not start: {(done.stderr or done.stdout).strip()}", code="supervisor")
            time.sleep(0.05)

    def programs(self) -> tuple[ProgramState, ...]:
        """Every program's state; empty if supervisord is away."""
        try:
            rows = self._call("getAllProcessInfo")
        except _AWAY:
            return ()
        return tuple(
            ProgramState(
                name=row["name"],
                state=row["statename"],
                pid=row["pid"] or None,
                uptime_s=max(0, row["now"] - row["start"]) if row["pid"] else 0,
            )
            for row in rows
        )

    def restart(self, name: str) -> None:
        """Stop `name` if it runs, and start it. Raises NodeError if it does not come up."""
        with suppress(*_AWAY):  # it was not running, which is why it is restarted
            self._call("stopProcess", name)
        try:
            self._call("startProcess", name)
        except _AWAY as error:
            raise NodeError(f"{name} does not start again: {error}.", hint=f"See {self._home.log(name)}.") from None

    def shutdown(self, timeout_s: float = 4 * STOP_WAIT_S) -> None:
        """Stop every program, then supervisord. Returns once it is gone, or after `timeout_s`."""
        try:
            process = psutil.Process(self._call("getPID"))
            self._call("shutdown")
        except (*_AWAY, psutil.NoSuchProcess):
            return
        with suppress(psutil.TimeoutExpired):
            process.wait(timeout_s)

    def _call(self, method: str, *arguments: Any) -> Any:
        from supervisor.xmlrpc import SupervisorTransport  # slow to import, and only needed by some commands

        with self._home.supervisor_address() as socket:
            transport = SupervisorTransport(None, None, f"unix://{socket}")
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
                return getattr(server.supervisor, method)(*arguments)
