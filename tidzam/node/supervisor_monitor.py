"""How a watchdog monitors supervisord."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress

import psutil

from tidzam.errors import TidzamError
from tidzam.node.hang_detection import Observation, Patience, Record
from tidzam.node.home import Home
from tidzam.node.supervisor import Supervisor
from tidzam.process import RestartPolicy, is_suspended

log = logging.getLogger(__name__)

PATIENCE = Patience(silent_s=15.0, first_s=15.0, suspended_s=3.0)
RELAUNCH = RestartPolicy(first_delay_s=2.0, max_delay_s=60.0, stable_after_s=60.0)


class SupervisorMonitor:
    """Resumes a supervisord that was suspended, kills one that hangs, and starts one that is gone."""

    def __init__(self, home: Home) -> None:
        self._home, self._supervisor = home, Supervisor(home)
        self._parent = os.getppid()
        self._record = Record()
        self._failures = 0
        self._due_s = 0.0
        self._relaunched = False

    @property
    def _orphaned(self) -> bool:
        return os.getppid() != self._parent

    def is_superseded(self) -> bool:
        """Whether this watchdog has lost its supervisord, and another one is running or none should be."""
        if not self._orphaned:
            return False
        return self._relaunched or not self._home.is_wanted or self._supervisor.process() is not None

    def look(self, *, answers: bool) -> None:
        """Check supervisord once; `answers` is whether it has just answered."""
        process = self._supervisor.process()
        if process is None:
            if time.monotonic() >= self._due_s:
                self._start()
            return
        suspended = is_suspended(process.pid)
        record = self._record.after(Observation(process.pid, answers, suspended, time.monotonic()))
        self._record = record
        if not record.hangs(PATIENCE):
            return
        self._record = Record()
        with suppress(psutil.Error):
            if suspended:
                log.warning("resuming supervisord, which is suspended")
                process.resume()
            else:
                log.warning("killing supervisord, which has not answered for %.0f s", record.silence_s)
                process.kill()

    def _start(self) -> None:
        """Restart the node, unless a command or the other watchdog is already doing so."""
        from tidzam.node.lifecycle import relaunch

        self._log_to_file()
        try:
            with self._home.locked(log.debug, timeout_s=0.0):
                if not self._home.is_wanted or self._supervisor.process() is not None:
                    return
                log.warning("restarting the node, whose supervisord is gone")
                relaunch(self._home, self._home.settings(), log.warning)
                self._relaunched = True
        except (TidzamError, OSError) as error:
            if getattr(error, "code", "") == "locked":
                return
            self._failures += 1
            self._due_s = time.monotonic() + RELAUNCH.delay_s(self._failures)
            log.error("the node cannot be restarted: %s", error)

    def _log_to_file(self) -> None:
        """Write to the log file directly: supervisord, which received the output of this process, is gone."""
        descriptor = os.open(self._home.log("watchdog"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for output in (1, 2):
            os.dup2(descriptor, output)
        os.close(descriptor)
