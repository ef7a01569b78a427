"""supervisord, which runs the programs of a node: its configuration and its control."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tidzam.errors import NodeError
from tidzam.node.home import SOCKET_NAME, Home
from tidzam.node.rpc import CALL_TIMEOUT_S, FAILURES, call
from tidzam.process import NODE_ENV

STOP_WAIT_S = 5
"""How long a program may take to end after SIGTERM, unless it says otherwise."""
LONG_STOP_WAIT_S = 20
"""The longest that a program may say, for those with JACK clients: longer than `tidzam.jack.client_grace`."""
GENTLE_STOP_S = 3.0
"""How long JACK clients may take to be closed when the whole node is stopped. jackd closes one after the other and
notifies all others: that takes longer the more there are. Then it is killed, and its clients end by themselves."""
SHUTDOWN_TIMEOUT_S = LONG_STOP_WAIT_S + 3.0 * STOP_WAIT_S
START_WAIT_S = 30.0
LAUNCH_TIMEOUT_S = 20.0
WAKE_EVERY_S = 0.05
ALREADY_STARTED = 60
"""The value of `supervisor.xmlrpc.Faults.ALREADY_STARTED`, whose import takes a third of a second."""
DESCRIPTORS = 65536
"""Maximum number of open files of a program, if the system permits it; each client takes one."""
JACKD = "jackd"
"""Name of the program that is stopped last: it ends cleanly only after its clients."""


@dataclass(frozen=True)
class SupervisedProgram:
    """One process that supervisord keeps running. Unless it `outlives_supervisor`, it ends when supervisord is killed.

    `umask` is that of the files that it makes. `stop_wait_s` is how long it may take to end after SIGTERM.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    outlives_supervisor: bool = False
    umask: int = 0o022
    stop_wait_s: int = STOP_WAIT_S


@dataclass(frozen=True)
class ProgramState:
    """The state of a program according to supervisord: RUNNING, BACKOFF, FATAL…"""

    name: str
    state: str
    pid: int | None
    uptime_s: float


def supervisor_config(programs: tuple[SupervisedProgram, ...]) -> str:
    """The text of supervisord.conf.

    All paths are relative to the home, which is the working directory of supervisord. Paths and arguments would pass
    through three syntaxes (inline comments, `%` expansion, shell words) that cannot express every name. Therefore
    launcher scripts contain the arguments and environments of the programs.
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
    return "\n".join([head, *(_program_section(program, rank) for rank, program in enumerate(programs))])


def _program_section(program: SupervisedProgram, rank: int) -> str:
    """Programs are started by rank and stopped in reverse, because jackd ends cleanly only after its clients."""
    name = program.name
    return f"""[program:{name}]
priority={rank}
command=sh launchers/{name}.sh
autorestart=true
startsecs=2
startretries=4
stopwaitsecs={program.stop_wait_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


def launcher(program: SupervisedProgram) -> bytes:
    """A shell script that executes `program`. Arguments and environment may contain any byte but null."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in program.env.items()]
    tied = () if program.outlives_supervisor else ("setpriv", "--pdeathsig=TERM", "--")
    lines = [
        "# Written by `tidzam start`.",
        *exports,
        f"umask {program.umask:03o}",
        f'ulimit -S -n {DESCRIPTORS} 2> /dev/null || ulimit -S -n "$(ulimit -H -n)"',
        f"exec {shlex.join([*tied, *program.argv])}",
        "",
    ]
    return os.fsencode("\n".join(lines))


class Supervisor:
    """The supervisord of one home. All calls have a deadline."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def is_running(self) -> bool:
        """Whether it answers."""
        try:
            call(self._home, "getState")
        except FAILURES:
            return False
        return True

    def process(self) -> psutil.Process | None:
        """Its process, even if it does not answer; None if there is none."""
        try:
            process = psutil.Process(int(self._home.supervisor_pid.read_text(encoding="ascii")))
            alive = process.environ().get(NODE_ENV) == str(self._home.root) and not has_ended(process)
        except (OSError, ValueError, psutil.Error):
            return None
        return process if alive else None

    def wake(self) -> bool:
        """Resume a suspended supervisord. Returns whether it answers."""
        process = self.process()
        if process is None:
            return False
        with suppress(psutil.Error):
            process.resume()
        return self.is_running()

    def launch(self, timeout_s: float = LAUNCH_TIMEOUT_S) -> None:
        """Start supervisord as a daemon and wait until it answers. Raises NodeError."""
        deadline = time.monotonic() + timeout_s
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", self._home.supervisor_config.name],
                cwd=self._home.root,
                env={**os.environ, NODE_ENV: str(self._home.root)},
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            raise NodeError(f"supervisord did not start within {timeout_s:.0f} s.", code="supervisor") from None
        while done.returncode or not self.is_running():
            if done.returncode or time.monotonic() > deadline:
                raise NodeError(f"supervisord did not start: {(done.stderr or done.stdout).strip()}", code="supervisor")
            time.sleep(0.05)

    def programs(self, timeout_s: float = CALL_TIMEOUT_S) -> tuple[ProgramState, ...]:
        """The states of all programs; empty if supervisord does not answer."""
        try:
            rows = call(self._home, "getAllProcessInfo", timeout_s=timeout_s)
        except FAILURES:
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

    def start(self, name: str) -> None:
        """Start a program that is not running, without waiting for it. Raises NodeError if supervisord refuses."""
        try:
            call(self._home, "startProcess", name, False)
        except FAILURES as error:
            raise NodeError(f"{name} cannot be started: {error}.", hint=f"See {self._home.log(name)}.") from None

    def restart(self, name: str) -> None:
        """Stop `name` if it is running, and start it. Raises NodeError if it does not start."""
        self._resume(name)
        with suppress(*FAILURES):  # it was not running
            call(self._home, "stopProcess", name, timeout_s=LONG_STOP_WAIT_S + CALL_TIMEOUT_S)
        try:
            call(self._home, "startProcess", name, timeout_s=START_WAIT_S)
        except FAILURES as error:
            if getattr(error, "faultCode", None) == ALREADY_STARTED:  # by a watchdog in the meantime
                return
            raise NodeError(f"{name} cannot be restarted: {error}.", hint=f"See {self._home.log(name)}.") from None

    def _resume(self, name: str) -> None:
        """Resume a suspended program, which would not receive the signal to end otherwise."""
        pid = next((state.pid for state in self.programs() if state.name == name), None)
        if pid is not None:
            with suppress(psutil.Error):
                psutil.Process(pid).resume()

    def shutdown(self, timeout_s: float = SHUTDOWN_TIMEOUT_S) -> None:
        """Stop all programs, then supervisord. Returns when it has ended, or after `timeout_s`.

        All programs but jackd are stopped together, then jackd, which is killed if they take long. supervisord notices
        the end of a process only when it wakes up, which may take a second: frequent calls wake it.
        """
        process = self.process()
        if process is None or not self.wake():
            return
        deadline = time.monotonic() + timeout_s
        for state in self._others_than_jackd():
            with suppress(*FAILURES):  # it is not running
                call(self._home, "stopProcess", state.name, False)
        self._wait_for_others(min(deadline, time.monotonic() + GENTLE_STOP_S))
        if self._others_run():
            self._kill(JACKD)
        self._wait_for_others(deadline)
        with suppress(*FAILURES):
            call(self._home, "shutdown")
        while time.monotonic() < deadline and not has_ended(process):
            with suppress(*FAILURES):
                call(self._home, "getState", timeout_s=1.0)
            time.sleep(WAKE_EVERY_S)

    def _wait_for_others(self, deadline_s: float) -> None:
        while time.monotonic() < deadline_s and self._others_run():
            time.sleep(WAKE_EVERY_S)

    def _others_run(self) -> bool:
        return any(state.pid is not None for state in self._others_than_jackd())

    def _kill(self, name: str) -> None:
        """Kill a program that is not to be restarted."""
        pid = next((state.pid for state in self.programs() if state.name == name), None)
        if pid is None:
            return
        with suppress(*FAILURES, ProcessLookupError):
            call(self._home, "stopProcess", name, False)
            os.kill(pid, signal.SIGKILL)

    def _others_than_jackd(self) -> list[ProgramState]:
        return [state for state in self.programs() if state.name != JACKD]


def has_ended(process: psutil.Process) -> bool:
    """Whether `process` has ended, all its threads included, although its parent may not have noticed."""
    try:
        if not process.is_running():
            return True
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.Error:
        return True
