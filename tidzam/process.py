"""A child process as an async context manager, and the pure policy that says when to start it again."""

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

from tidzam.errors import SetupError
from tidzam.scrub import scrub

log = logging.getLogger(__name__)

TAIL_LINES = 40
LAST_WORDS_S = 0.2
CHILD_ENV = "TIDZAM_CHILD"
"""In a child's environment: what it is called, for whoever looks at the process."""


@dataclass
class Child:
    """A running child. `tail` holds the last lines it wrote, addresses scrubbed."""

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
        """Kill it."""
        _signal_group(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Its exit code; negative for the signal that ended it."""
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
    """Run `argv` while the context is open: on leaving it is asked to end (TERM), and made to (KILL) after `grace_s`.

    The child leads a process group of its own, which is signalled as a whole, and dies with the process that
    started it even if that is killed. `env` is added to this process's environment. Each line of stderr, and
    with `merge_output` of stdout, goes to the child's tail and to `on_line`. Raises SetupError if the program is not
    installed.
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
        await _gather_last_words(readers)


async def _gather_last_words(readers: Sequence[asyncio.Task[None]]) -> None:
    """Let the readers finish, but do not wait for a grandchild that holds the pipes open."""
    _, pending = await asyncio.wait(readers, timeout=LAST_WORDS_S)
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
    """TERM, wait, KILL, on the process group; then reap. Cancelling only cuts the wait short."""
    _signal_group(child.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(grace_s):  # wait_for of Python 3.11 may swallow a cancellation
            await child.process.wait()
    except TimeoutError:
        log.warning("%s did not end within %.0f s of TERM: killed", child.name, grace_s)
    finally:
        _signal_group(child.pid, signal.SIGKILL)
    await child.process.wait()


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


@dataclass(frozen=True)
class RestartPolicy:
    """How long to wait before starting again what ended: doubling, bounded, forgiven after a good run."""

    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    stable_after_s: float = 20.0

    def delay_s(self, failures: int) -> float:
        """The wait before the next start, after `failures` (>= 1) short runs in a row."""
        return min(self.max_delay_s, self.first_delay_s * 2.0 ** min(failures - 1, 32))

    def failures_after(self, failures: int, ran_s: float) -> int:
        """Short runs in a row, once a run of `ran_s` seconds has ended."""
        return 1 if ran_s >= self.stable_after_s else failures + 1
