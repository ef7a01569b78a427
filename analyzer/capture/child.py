"""The analyzer's side of the capture process: start it, share memory with it, receive its events."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType

from analyzer.capture.events import Alive, Event, decode
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.jack.ring import Ring
from tidzam.process import Child, child_process

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CaptureOptions:
    """What to capture. `server` is the name of the JACK server; without one, the environment names it."""

    patterns: tuple[str, ...]
    server: str | None = None
    slots: int = 256
    ring_s: float = 10.0


def capture_argv(options: CaptureOptions, fd: int) -> list[str]:
    """The command line of the capture process with the memory file `fd`."""
    return [
        sys.executable,
        "-m",
        "analyzer.capture",
        f"--fd={fd}",
        f"--slots={options.slots}",
        f"--ring-s={options.ring_s}",
        "--",
        *options.patterns,
    ]


class Capture:
    """A running capture process. `events` ends with the process."""

    def __init__(self, child: Child, fd: int) -> None:
        self._child, self._fd = child, fd

    @property
    def pid(self) -> int:
        return self._child.pid

    def kill(self) -> None:
        """Kill it."""
        self._child.kill()

    def ring(self) -> Ring:
        """The shared ring. It exists once the process is Ready."""
        return Ring.attach(self._fd)

    async def events(self, on_alive: Callable[[Alive], None] = lambda alive: None) -> AsyncIterator[Event]:
        """The events that the process reports. Signs of life, which it sends every second, go to `on_alive` only."""
        stdout = self._child.process.stdout
        assert stdout is not None
        async for line in stdout:
            event = decode(line.decode())
            if isinstance(event, Alive):
                on_alive(event)
            else:
                yield event


@asynccontextmanager
async def capture_process(options: CaptureOptions) -> AsyncIterator[Capture]:
    """Run the capture process while the context is open.

    The memory is an anonymous file: it is freed with the last of the two processes, however they end.
    """
    env = {"JACK_NO_START_SERVER": "1"} | ({"JACK_DEFAULT_SERVER": options.server} if options.server else {})
    fd = os.memfd_create("tidzam-ring")
    try:
        async with child_process(
            capture_argv(options, fd),
            name="capture",
            env=env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(fd,),
            grace_s=CLIENT_GRACE_S,
            on_line=lambda line: log.warning("capture: %s", line),
        ) as child:
            yield Capture(child, fd)
    finally:
        os.close(fd)


class EarlyCapture:
    """A capture process that was started before it is needed. As a context manager, it ends with the context."""

    def __init__(self, capture: Capture, stack: AsyncExitStack) -> None:
        self._capture, self._stack = capture, stack

    async def __aenter__(self) -> Capture:
        return self._capture

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def early_capture(options: CaptureOptions) -> AsyncIterator[EarlyCapture]:
    """Run the capture process while the context is open, or until that of the EarlyCapture has been left.

    Its events wait in the pipe until they are read.
    """
    async with AsyncExitStack() as stack:
        yield EarlyCapture(await stack.enter_async_context(capture_process(options)), stack)
