"""The stream manager's side of the process with the ports of live streams: start it, feed it, read its reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.jack.live_protocol import LIVE_MESSAGES, FrameKind, LiveFrame, LiveMessage, LivePortOptions
from tidzam.process import Child, child_process

START_TIMEOUT_S: Final = CLIENT_GRACE_S + 3.0
"""Until its first report, after it has opened its JACK client."""
BEAT_TIMEOUT_S: Final = 4.0
"""A process that has reported nothing for this long hangs; it reports several times per second."""
MOST_WAITING_BYTES: Final = 4 << 20
"""Audio that waits for the process. It reads all the time, so that more only waits if it hangs."""


class LiveProcessError(Exception):
    """The process hangs or sends nonsense; the text is the reason."""


class LiveProcess:
    """A running process."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._is_ready = False

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of its error output."""
        return tuple(self._child.tail)

    def send(self, frame: LiveFrame) -> bool:
        """Send `frame`, without waiting. Returns False for audio that is dropped because the process hangs."""
        stdin = self._child.process.stdin
        assert stdin is not None
        waiting = stdin.transport.get_write_buffer_size()
        if stdin.is_closing() or (frame.kind is FrameKind.AUDIO and waiting > MOST_WAITING_BYTES):
            return False
        stdin.write(frame.encode())
        return True

    async def messages(self) -> AsyncIterator[LiveMessage]:
        """Its reports, until it ends. Raises LiveProcessError."""
        stdout = self._child.process.stdout
        assert stdout is not None
        timeout_s = START_TIMEOUT_S
        while True:
            try:
                async with asyncio.timeout(timeout_s):
                    line = await stdout.readline()
            except TimeoutError:
                raise LiveProcessError(f"it has not reported for {timeout_s:.0f} s") from None
            if not line.endswith(b"\n"):
                return
            timeout_s = BEAT_TIMEOUT_S
            try:
                yield LIVE_MESSAGES.decode(line)
            except (ValueError, KeyError, TypeError):
                raise LiveProcessError("it sent a malformed message") from None

    async def wait(self) -> int:
        """Wait for its exit code."""
        return await self._child.wait()

    def kill(self) -> None:
        self._child.kill()


@asynccontextmanager
async def live_process(options: LivePortOptions, env: Mapping[str, str]) -> AsyncIterator[LiveProcess]:
    """Run the process while the context is open. `env` leads it to its JACK server."""
    pipe = asyncio.subprocess.PIPE
    async with child_process(
        options.argv(), name=options.client, env=env, stdin=pipe, stdout=pipe, grace_s=CLIENT_GRACE_S
    ) as child:
        try:
            yield LiveProcess(child)
        finally:
            if child.process.stdin is not None:
                child.process.stdin.close()
