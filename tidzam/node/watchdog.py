"""`python -m tidzam.node.watchdog NAME`: replaces programs that hang, and restarts those that supervisord gave up.

supervisord only restarts programs that have ended. Two watchdogs run beside the programs: `watchdog` monitors all
programs and the other watchdog, `watchdog_guard` monitors `watchdog`. Both monitor supervisord, which they outlive.
They do nothing while the node should not be running.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from tidzam.errors import TidzamError
from tidzam.heartbeats import beat
from tidzam.log import set_up_logging
from tidzam.node.hang_detection import Observation, Patience, Record, Revival
from tidzam.node.home import Home
from tidzam.node.jackd_log import FoldingLog
from tidzam.node.life_signs import HeartbeatSign, HttpSign, Sign
from tidzam.node.programs import WATCHDOGS, LifeSign, NodeProgram, node_programs
from tidzam.node.supervisor import ProgramState, Supervisor
from tidzam.node.supervisor_monitor import SupervisorMonitor
from tidzam.node.watched import Watched
from tidzam.process import NODE_ENV, is_suspended
from tidzam.tokens import find_token

if TYPE_CHECKING:  # the guard needs no settings
    from tidzam.config import Settings

log = logging.getLogger("tidzam.node.watchdog")

JACKD_LOGGER = WATCHDOGS[1]
"""The watchdog that also folds the messages of jackd in its log; it has little else to do."""
ROUND_S = 1.0
CALL_TIMEOUT_S = 3.0
GUARD_PATIENCE = Patience(silent_s=15.0, first_s=30.0, suspended_s=5.0)


class Watchdog:
    """Monitors the programs of `signs`, each by its sign of life."""

    def __init__(self, home: Home, signs: Mapping[str, Sign], patience: Patience) -> None:
        self._supervisor = Supervisor(home)
        self._signs, self._patience = signs, patience
        self._records = dict.fromkeys(signs, Record())
        self._revivals = dict.fromkeys(signs, Revival())
        self._threads = ThreadPoolExecutor(len(signs))

    def look(self, programs: tuple[ProgramState, ...]) -> None:
        """Check all programs once, concurrently; kill those that hang, start those that supervisord gave up."""
        mine = [program for program in programs if program.name in self._signs]
        for program, seen in zip(mine, self._threads.map(self._observe, mine), strict=True):
            record = self._records[program.name].after(seen)
            self._records[program.name] = record
            if record.hangs(self._patience):
                self._kill(program.name, record)
            else:
                self._revive(program)

    def _observe(self, program: ProgramState) -> Observation:
        pid = program.pid
        gives_sign = pid is not None and self._signs[program.name](pid)
        return Observation(pid, gives_sign, suspended=pid is not None and is_suspended(pid), now_s=time.monotonic())

    def _kill(self, name: str, record: Record) -> None:
        assert record.pid is not None
        how = "is suspended" if record.suspension_s else f"has shown no sign of life for {record.silence_s:.0f} s"
        log.warning("killing %s (process %d), which %s; supervisord restarts it", name, record.pid, how)
        self._records[name] = Record()
        try:
            os.kill(record.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _revive(self, program: ProgramState) -> None:
        revival, now = self._revivals[program.name].after(program.state, program.uptime_s, time.monotonic())
        self._revivals[program.name] = revival
        if now:
            log.warning("starting %s, which is %s (attempt %d)", program.name, program.state, revival.failures)
            try:
                self._supervisor.start(program.name)
            except TidzamError as error:
                log.warning("%s", error)


def run(home: Home, name: str, watched: Watched | None = None) -> None:
    """Check the programs until the node is stopped or another supervisord has new watchdogs.

    `watched` are those of an edge node; other watchdogs find them in the settings.
    """
    if name == JACKD_LOGGER and watched is None:
        FoldingLog(home.jackd_fifo, home.log("jackd")).start()
    supervisor, watchdog = Supervisor(home), _watchdog(home, name, watched)
    care = SupervisorMonitor(home)
    while not care.is_superseded():
        programs = supervisor.programs(timeout_s=CALL_TIMEOUT_S)
        if home.is_wanted:
            if programs:
                watchdog.look(programs)
            care.look(answers=bool(programs))
        with suppress(OSError):  # a full disk or a deleted home: ending would not help
            beat(home.beat(name))
        time.sleep(ROUND_S)


def _watchdog(home: Home, name: str, watched_programs: Watched | None) -> Watchdog:
    if name != WATCHDOGS[0]:
        return Watchdog(home, {WATCHDOGS[0]: HeartbeatSign(home.beat(WATCHDOGS[0]))}, GUARD_PATIENCE)
    if watched_programs is not None:
        return _watchdog_of_heartbeats(home, watched_programs)
    settings, token = home.settings(), find_token(home.root)
    watched = [program for program in node_programs(settings) if program.name != name]
    signs = {program.name: _sign_of(program, home, settings, token) for program in watched}
    limits = settings.check
    patience = Patience.of(hung_after_s=limits.hung_after_s, start_timeout_s=limits.start_timeout_s)
    return Watchdog(home, signs, patience)


def _watchdog_of_heartbeats(home: Home, watched: Watched) -> Watchdog:
    signs = {program: HeartbeatSign(home.beat(program)) for program in watched.programs}
    patience = Patience.of(hung_after_s=watched.hung_after_s, start_timeout_s=watched.start_timeout_s)
    return Watchdog(home, signs, patience)


def _sign_of(program: NodeProgram, home: Home, settings: Settings, token: str | None) -> Sign:
    """The sign of life expected of a program. Only programs that report their health receive the token."""
    if program.life_sign is LifeSign.JACK_CYCLES:
        from tidzam.node.jack_sign import JackSign  # an edge node has no JACK

        return JackSign(settings.jack.server)
    url = program.url(settings)
    if url is None:
        return HeartbeatSign(home.beat(program.name))
    return HttpSign(url, token if program.life_sign is LifeSign.HEALTH else None)


def _end(number: int, frame: FrameType | None) -> None:
    """Exit immediately: a thread may be waiting for a program that hangs."""
    os._exit(0)


def main() -> None:
    signal.signal(signal.SIGTERM, _end)
    set_up_logging()
    home, (name, *watched) = Home(Path(os.environ[NODE_ENV])), sys.argv[1:]
    run(home, name, Watched.parse(watched[0]) if watched else None)


if __name__ == "__main__":
    main()
    os._exit(0)
