"""Ends the processes that a test run leaves running, whether the run failed, timed out or was killed.

`watch` marks this process's environment, which every process that a test starts inherits, daemons included, and
starts a guard. When this process is gone, the guard kills all that bear the mark and frees their JACK servers' names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tidzam.jack.server_names import clear_dead_servers

MARK_ENV = "TIDZAM_TEST_RUN"
TRACKER = "multiprocessing.resource_tracker"
"""Python's own helper, which ends with the process that it is for."""
GRACE_S = 1.0
KILL_TIMEOUT_S = 10.0


class Guard:
    """The guard of this process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def dismiss(self) -> str:
        """End what is left now; returns what that was, a line per process."""
        left, _ = self._process.communicate()
        return left


def watch() -> Guard:
    """Have everything ended that this process starts from now on, once it is gone."""
    mark = f"{os.getpid()}-{os.urandom(4).hex()}"
    argv = [sys.executable, "-m", "tests.support.guard", mark]
    root = Path(__file__).parents[2]
    unmarked = {name: value for name, value in os.environ.items() if name != MARK_ENV}  # it outlives an outer run
    process = subprocess.Popen(
        argv, cwd=root, env=unmarked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    os.environ[MARK_ENV] = mark
    return Guard(process)


def marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            ours = process.environ().get(MARK_ENV) == mark
            if ours and TRACKER not in " ".join(process.cmdline()):
                found.append(process)
    return found


def end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait(processes, KILL_TIMEOUT_S)


def wait(processes: list[psutil.Process], timeout_s: float) -> None:
    """Wait until all have ended, whether or not somebody has reaped them."""
    deadline = time.monotonic() + timeout_s
    while any(_runs(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)


def _runs(process: psutil.Process) -> bool:
    try:
        # The other threads of a killed process, and its sockets, may outlive the first one briefly.
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False


def server_prefix(pid: int) -> str:
    """How the names of all JACK servers begin that the test run of that process starts."""
    return f"t{pid}"


def clear_jack(pid: int) -> None:
    """Free the names of the killed servers of a test run, and remove their files."""
    for name in clear_dead_servers(prefix=server_prefix(pid)):
        for left in Path("/dev/shm").glob(f"jack_*{name}_*"):
            left.unlink(missing_ok=True)


def main(mark: str) -> None:
    sys.stdin.read()  # until the other end is closed, by whatever ended that process
    wait(marked(mark), GRACE_S)  # those that have been terminated
    while left := marked(mark):  # again: a supervisor may have started another in the meantime
        for process in left:
            with suppress(psutil.Error, OSError):
                print(process.pid, " ".join(process.cmdline()), flush=True)
        end(left)
    clear_jack(int(mark.partition("-")[0]))


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main(sys.argv[1])
