"""Takes what waits in a spool to its receiver, in its order, until the receiver has accepted it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from tidzam.errors import TidzamError
from tidzam.process import RestartPolicy
from tidzam.scrub import scrub
from tidzam.spool.spool import Spool, SpooledLines
from tidzam.text import plural

log = logging.getLogger(__name__)

_POLICY: Final = RestartPolicy(first_delay_s=0.5, max_delay_s=60.0)
_CHECK_S: Final = 20.0
"""Seconds without anything to send after which the connection is checked."""


class DeliveryError(Exception):
    """The receiver does not accept the lines at present; the message is the reason."""


class RefusedError(DeliveryError):
    """The receiver will never accept these lines. `lines` are those that it refused, None if it refused all."""

    def __init__(self, reason: str, lines: Sequence[str] | None = None) -> None:
        super().__init__(reason)
        self.lines = lines


class SpoolReceiver(Protocol):
    """Where the lines of a spool go: a web server or a broker, called `shown` in messages.

    `connect` is called before lines are sent, and now and then while none wait; it returns at once if nothing is to be
    done. `send` returns when all lines are accepted. It is called again with the same lines after it has failed or was
    cancelled; `done`, which is empty at first, is for what was accepted meanwhile, so that this is not sent twice.
    Both raise any exception while the receiver does not accept anything, and `send` RefusedError if it never will.
    """

    @property
    def shown(self) -> str: ...

    async def connect(self) -> None: ...
    async def send(self, lines: Sequence[str], done: set[Hashable]) -> None: ...
    async def disconnect(self) -> None: ...


class SpoolSender:
    """Sends the lines of `spool` to `receiver`.

    A receiver that is away is tried again with growing delays; `fault` is the reason meanwhile. Lines that it refuses
    for good are set aside, and the next ones are sent. Lines are collected for `collect_s` before they are sent.
    """

    def __init__(
        self, spool: Spool, receiver: SpoolReceiver, *, collect_s: float = 0.0, policy: RestartPolicy = _POLICY
    ) -> None:
        self._spool, self._receiver = spool, receiver
        self._collect_s, self._policy = collect_s, policy
        self._arrived, self._stopping = asyncio.Event(), asyncio.Event()
        self._reason: str | None = None
        self._path: Path | None = None
        self._done: set[Hashable] = set()

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        if self._reason is None:
            return None
        waiting = self._spool.waiting
        kept = f" On disk: {plural(waiting, 'result')}." if waiting else ""
        return f"{self._receiver.shown} does not accept results: {self._reason}.{kept}"

    async def put(self, lines: Sequence[str]) -> None:
        """Store lines on disk, to be sent. Raises TidzamError (`spool`)."""
        await asyncio.to_thread(self._spool.append, lines)
        self.wake()

    def wake(self) -> None:
        """Connect, if that is not done, and send what waits."""
        self._arrived.set()

    def stop(self) -> None:
        """Let `run` end as soon as what waits is sent, or cannot be sent."""
        self._stopping.set()
        self._arrived.set()

    async def run(self) -> bool:
        """Send until stopped. Returns whether nothing waits then."""
        failures = 0
        while True:
            self._arrived.clear()
            sent = await self.flush()
            if self._stopping.is_set():
                if not (sent and self._spool.waiting):
                    return sent
            elif sent:
                failures = 0
                await _waited(self._arrived, _CHECK_S)
                await _waited(self._stopping, self._collect_s)
            else:
                failures += 1
                await _waited(self._stopping, self._policy.delay_s(failures))

    async def flush(self) -> bool:
        """Send everything that waits, up to the first failure. Returns whether nothing waits then."""
        try:
            await self._receiver.connect()
            while (found := await asyncio.to_thread(self._spool.oldest)) is not None:
                await self._send(found)
        except Exception as error:  # noqa: BLE001  whatever it is, what waits must be tried again
            self._failed(reason_of_failure(error))
            return False
        self._works()
        return True

    async def _send(self, found: SpooledLines) -> None:
        if found.path != self._path:
            self._path, self._done = found.path, set()
        try:
            await self._receiver.send(found.lines, self._done)
        except RefusedError as error:
            lines = found.lines if error.lines is None else error.lines
            kept = await asyncio.to_thread(self._spool.set_aside, found.path, lines)
            refused = plural(len(lines), "result")
            log.error("%s refused %s (%s), kept in %s", self._receiver.shown, refused, error, kept)
        else:
            await asyncio.to_thread(self._spool.remove, found.path)

    def _failed(self, reason: str) -> None:
        first, self._reason = self._reason is None, reason
        if first:
            log.error("%s", self.fault)

    def _works(self) -> None:
        if self._reason is not None:
            log.info("%s accepts results again", self._receiver.shown)
        self._reason = None


async def _waited(event: asyncio.Event, limit_s: float) -> None:
    """Wait for an event, for at most `limit_s`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()


def reason_of_failure(error: Exception) -> str:
    """Why something was not sent, in words without secrets, and without a full stop."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    known = isinstance(error, aiohttp.ClientError | TidzamError | DeliveryError) and str(error)
    return scrub(str(error) if known else f"{type(error).__name__}: {error}").rstrip(".")
