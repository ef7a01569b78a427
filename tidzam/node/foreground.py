"""`python -m tidzam.node.foreground HOME`: stands for a node that runs, in the foreground, until it is to end.

It takes the place of `tidzam run` once the node works, as it needs a quarter of its memory. It gives systemd signs of
life while the node works, and stops the node at TERM, INT or HUP.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Never

from tidzam.heartbeats import heartbeat_file
from tidzam.node.home import Home
from tidzam.node.service_manager import ServiceManager
from tidzam.node.supervisor import ProgramState, Supervisor

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What ends the node. They are blocked, also while this program takes the place of another, and waited for."""
_LOOK_S: Final = 5.0
_BEAT_AGE_S: Final = 30.0
"""A heartbeat that is older is no sign of life."""


def become_foreground(home: Home, manager: ServiceManager) -> Never:
    """Replace this process by that of this module."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    manager.export(os.environ)
    argv = [sys.executable, "-P", "-m", __name__, str(home.root)]
    os.execv(argv[0], argv)


def ailing(programs: Iterable[ProgramState], beat_ages_s: Mapping[str, float]) -> list[str]:
    """The programs that do not work. Pure. `beat_ages_s` are the ages of the heartbeats of those that have one."""
    return [
        program.name
        for program in programs
        if program.state not in ("RUNNING", "STARTING") or beat_ages_s.get(program.name, 0.0) > _BEAT_AGE_S
    ]


def stand_for(home: Home, manager: ServiceManager) -> int:
    """Give signs of life until a signal arrives or the node is stopped otherwise; returns the exit code."""
    supervisor, pause_s = Supervisor(home), min(_LOOK_S, (manager.watchdog_s or _LOOK_S) / 3)
    manager.ready(f"the node of {home.root} works")
    while signal.sigtimedwait(SIGNALS, pause_s) is None:
        if not home.is_wanted:
            return 0  # `tidzam stop` has stopped it
        programs = supervisor.programs()
        ill = ailing(programs, _beat_ages_s(home, programs)) if programs else ["supervisord"]
        if ill:
            manager.faulty(f"not working: {', '.join(ill)}")
        else:
            manager.alive(f"{', '.join(program.name for program in programs)} work")
    manager.stopping()
    return subprocess.run(
        [sys.executable, "-P", "-m", "tidzam.cli", "stop", "--home", str(home.root)], check=False
    ).returncode


def _beat_ages_s(home: Home, programs: Iterable[ProgramState]) -> dict[str, float]:
    now_s, ages_s = time.time(), {}
    for program in programs:
        file = heartbeat_file(home.root, program.name)
        if file.exists():
            ages_s[program.name] = now_s - file.stat().st_mtime
    return ages_s


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    sys.exit(stand_for(Home(Path(sys.argv[1])), ServiceManager.take(os.environ)))
