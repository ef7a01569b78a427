"""Child processes as async context managers, and the policy of when to restart them."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tidzam.errors import SetupError
from tidzam.scrub import scrub

log = logging.getLogger(__name__)

TAIL_LINES = 40
DRAIN_S = 0.2
"""How long the output of a child that has ended is still read."""
REAP_S = 5.0
"""How long a killed process may take to end: one that waits for a device that is gone never does."""
NODE_ENV = "TIDZAM_NODE"
"""Environment variable that marks all processes of a node with its home, so that none is left behind."""
CHILD_ENV = "TIDZAM_CHILD"
"""Environment variable with the name of a child, by which `tidzam status` shows it."""


@dataclass
class Child:
    """A running child process. `tail` holds the last lines that it wrote, without credentials."""

    name: str
    process: asyncio.subprocess.Process
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.returncode

    def kill(self) -> None:
        """Send SIGKILL to its process group."""
        _signal_group(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its exit code; negative for the signal that ended it."""
        return await self.process.wait()


@asynccontextmanager
async def child_process(
    argv: Sequence[str],
    *,
    name: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int = asyncio.subprocess.DEVNULL,
    stdout: int = asyncio.subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    grace_s: float = 3.0,
    merge_output: bool = False,
    on_line: Callable[[str], None] | None = None,
) -> AsyncIterator[Child]:
    """Run `argv` while the context is open. On leaving it gets SIGTERM, and SIGKILL after `grace_s` seconds.

    The child leads a new process group, which is signaled as a whole, and is killed if this process is killed.
    `env` is added to the environment of this process. Each line of stderr, and with `merge_output` of stdout, is added
    to the tail of the child and passed to `on_line`. Raises SetupError if the program is not installed.
    """
    for program in ("setpriv", argv[0]):
        if shutil.which(program) is None:
            raise SetupError(f"{program} is not installed.", hint="Run `tidzam install`.")
    process = await asyncio.create_subprocess_exec(
        "setpriv",
        "--pdeathsig=KILL",
        "--",
        *argv,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE if merge_output else stdout,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {}), CHILD_ENV: name},
        cwd=cwd,
        pass_fds=pass_fds,
        process_group=0,
    )
    child = Child(name, process)
    streams = [process.stderr, process.stdout] if merge_output else [process.stderr]
    readers = [asyncio.create_task(_read(stream, child, on_line)) for stream in streams if stream]
    try:
        yield child
    finally:
        await _end(child, grace_s)
        await _drain(readers)


async def _drain(readers: Sequence[asyncio.Task[None]]) -> None:
    """Let the readers finish, but do not wait for a grandchild that keeps the pipes open."""
    _, pending = await asyncio.wait(readers, timeout=DRAIN_S)
    for reader in pending:
        reader.cancel()


async def _read(stream: asyncio.StreamReader, child: Child, on_line: Callable[[str], None] | None) -> None:
    while True:
        try:
            raw = await stream.readline()
        except ValueError:  # a line longer than the reader's buffer was dropped
            continue
        if not raw:
            return
        line = scrub(raw.decode(errors="replace").rstrip())
        child.tail.append(line)
        if on_line is not None:
            on_line(line)


async def _end(child: Child, grace_s: float) -> None:
    """SIGTERM, wait, SIGKILL on the process group, then reap. Cancellation only shortens the wait."""
    _signal_group(child.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(grace_s):  # wait_for of Python 3.11 may swallow a cancellation
            await child.process.wait()
    except TimeoutError:
        log.warning("%s did not end within %.0f s after SIGTERM and was killed", child.name, grace_s)
    finally:
        _signal_group(child.pid, signal.SIGKILL)
    try:
        async with asyncio.timeout(REAP_S):
            await child.process.wait()
    except TimeoutError:
        log.error("%s cannot be killed: it waits for a device", child.name)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def is_suspended(pid: int) -> bool:
    """Whether a signal, such as SIGSTOP, has suspended the process `pid`."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


@dataclass(frozen=True)
class RestartPolicy:
    """How long to wait before a restart: the delay doubles up to a maximum, and is reset by a stable run.

    `jitter` is the largest fraction of a delay that may be left out at random, so that what failed together is not
    restarted together.

    >>> policy = RestartPolicy(first_delay_s=0.5, max_delay_s=30.0, stable_after_s=20.0)
    >>> [policy.delay_s(failures) for failures in (1, 2, 3, 10)]
    [0.5, 1.0, 2.0, 30.0]
    """

    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    stable_after_s: float = 20.0
    jitter: float = 0.0

    def delay_s(self, failures: int, chance: float = 0.0) -> float:
        """Seconds before the next start, after `failures` (>= 1) short runs in a row.

        `chance`, from 0 to 1, is the random number that decides on the jitter; 0 gives the whole delay.
        """
        return self.jittered_s(min(self.max_delay_s, self.first_delay_s * 2.0 ** min(failures - 1, 32)), chance)

    def jittered_s(self, delay_s: float, chance: float) -> float:
        """`delay_s` with the jitter that `chance` decides on."""
        return delay_s * (1 - self.jitter * chance)

    def failures_after(self, failures: int, ran_s: float) -> int:
        """The number of short runs in a row after a run of `ran_s` seconds has ended."""
        return 1 if ran_s >= self.stable_after_s else failures + 1
