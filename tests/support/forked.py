"""Processes that are forked from one that has imported what they need, which takes longer than most of what they do.

The process that is forked reads requests from stdin, JSON objects of `argv`, `out` and `err`, and prints the pid of
each process that it starts, and later that pid and its exit code.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self


class ForkedProcess:
    """A process that was forked, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None
        self._ended = threading.Event()

    def ended(self, code: int) -> None:
        self._code = code
        self._ended.set()

    def send_signal(self, number: int) -> None:
        if not self._ended.is_set():
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative after a signal. Raises subprocess.TimeoutExpired."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        assert self._code is not None
        return self._code


class Template:
    """The process that is forked: `python -m MODULE`, which calls `serve`."""

    def __init__(self, module: str, env: Mapping[str, str]) -> None:
        argv = [sys.executable, "-m", module]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self._started: dict[int, ForkedProcess] = {}
        self._pids: list[int] = []
        self._arrived = threading.Condition()
        threading.Thread(target=self._follow, daemon=True).start()

    def start(self, argv: list[str], *, out: Path, err: Path) -> ForkedProcess:
        """Fork a process. Its arguments are those after the name of the module."""
        assert self._process.stdin is not None
        for path in (out, err):
            path.touch()
        with self._arrived:
            self._process.stdin.write(json.dumps({"argv": argv, "out": str(out), "err": str(err)}) + "\n")
            self._process.stdin.flush()
            assert self._arrived.wait_for(lambda: self._pids, timeout=120), "the template does not start a process"
            return self._started[self._pids.pop()]

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            pid, *codes = map(int, line.split())
            with self._arrived:
                if codes:
                    self._started[pid].ended(codes[0])
                else:
                    self._started[pid] = ForkedProcess(pid)
                    self._pids.append(pid)
                    self._arrived.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def serve(run: Callable[[list[str]], NoReturn]) -> None:
    """Start a process that calls `run` for each request, until there are no more."""
    running, starting = threading.Semaphore(0), threading.Lock()
    threading.Thread(target=_report, args=(running, starting), daemon=True).start()
    for line in sys.stdin:
        request = json.loads(line)
        with starting:
            pid = os.fork()
            if not pid:
                _begin(Path(request["out"]), Path(request["err"]))
                run(request["argv"])
            os.write(1, f"{pid}\n".encode())
        running.release()


def _begin(out: Path, err: Path) -> None:
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY)
        os.dup2(file, number)
        os.close(file)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)


def _report(running: threading.Semaphore, starting: threading.Lock) -> None:
    """Print the exit code of each process that ends, after its pid."""
    while True:
        running.acquire()
        pid, status = os.wait()
        with starting:
            os.write(1, f"{pid} {os.waitstatus_to_exitcode(status)}\n".encode())
