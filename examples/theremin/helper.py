"""A helper process of the performance, and what it reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Generic, TypeVar

from tidzam.errors import JackError
from tidzam.jack.helper_protocol import HelperMessages
from tidzam.process import Child, child_process

M = TypeVar("M")
T = TypeVar("T")
_DRAIN_S: Final = 1.0


class RunningHelper(Generic[M]):
    """A running helper process. `latest` holds the last message of each kind."""

    def __init__(self, child: Child, messages: HelperMessages[M], on_message: Callable[[M], None]) -> None:
        self._child, self._messages, self._on_message = child, messages, on_message
        self._changed = asyncio.Condition()
        self._has_ended = False
        self.latest: dict[type, M] = {}

    async def message(self, kind: type[T], is_wanted: Callable[[T], bool] = lambda message: True) -> T:
        """Wait for a message of that kind that is wanted. Raises JackError if the process ends before."""

        def wanted() -> T | None:
            found = self.get(kind)
            return found if found is not None and is_wanted(found) else None

        async with self._changed:
            await self._changed.wait_for(lambda: wanted() is not None or self._has_ended)
        found = wanted()
        if found is None:
            raise JackError(f"The {self._child.name} has ended: {self.reason}.", hint="Is JACK running?")
        return found

    def get(self, kind: type[T]) -> T | None:
        """The last message of that kind."""
        found = self.latest.get(kind)
        return found if isinstance(found, kind) else None

    def say(self, line: str) -> None:
        """Write a line to its standard input."""
        if self._child.process.stdin is not None:
            self._child.process.stdin.write(f"{line}\n".encode())

    @property
    def reason(self) -> str:
        """Why it has ended, by the last line that it wrote."""
        return self._child.tail[-1].rstrip(".") if self._child.tail else f"exit code {self._child.returncode}"

    async def ended(self) -> None:
        """Wait until the process has ended, and all of its messages were read."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_ended)
        await self._child.wait()

    async def silent(self, seconds: float) -> None:
        """Wait until it has sent nothing for so long."""
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(seconds), self._changed:
                    await self._changed.wait()

    async def read(self) -> None:
        """Read messages until the process closes its output."""
        assert self._child.process.stdout is not None
        try:
            async for line in self._child.process.stdout:
                message = self._messages.decode(line)
                self._on_message(message)
                async with self._changed:
                    self.latest[type(message)] = message
                    self._changed.notify_all()
        finally:
            self._has_ended = True
            async with self._changed:
                self._changed.notify_all()


@asynccontextmanager
async def helper(
    argv: Sequence[str],
    messages: HelperMessages[M],
    *,
    name: str,
    env: Mapping[str, str],
    pass_fds: Sequence[int] = (),
    grace_s: float = 3.0,
    on_message: Callable[[M], None] = lambda message: None,
) -> AsyncIterator[RunningHelper[M]]:
    """A helper process while the context is open. On leaving it gets TERM, and what it still reports is read."""
    reading: asyncio.Task[None] | None = None
    pipe = asyncio.subprocess.PIPE
    try:
        async with child_process(
            argv, name=name, env=env, stdin=pipe, stdout=pipe, pass_fds=pass_fds, grace_s=grace_s
        ) as child:
            running = RunningHelper(child, messages, on_message)
            reading = asyncio.create_task(running.read(), name=f"{name} messages")
            yield running
    finally:
        if reading is not None:
            await asyncio.wait([reading], timeout=_DRAIN_S)
            reading.cancel()
            await asyncio.wait([reading])
