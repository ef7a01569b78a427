"""Forwards the clips of an outbox, one after the other, for as long as the sink is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from analyzer.forward.outbox import ClipOutbox
from analyzer.forward.tus import ClipSender
from tidzam.process import RestartPolicy
from tidzam.spool.delivery import RefusedError, reason_of_failure
from tidzam.text import plural

log = logging.getLogger(__name__)

_POLICY: Final = RestartPolicy(first_delay_s=0.5, max_delay_s=60.0)
_LOOK_S: Final = 5.0
"""Seconds between two looks for clips that were written meanwhile."""
_PATIENCE_S: Final = 0.5
"""Seconds between two looks whether all records have been sent, which come before clips."""


class ClipUploader:
    """Sends what waits in `outbox` by `sender`, while `may_send` says so: a clip comes after its record."""

    def __init__(
        self,
        outbox: ClipOutbox,
        sender: ClipSender,
        *,
        shown: str,
        may_send: Callable[[], bool],
        policy: RestartPolicy = _POLICY,
    ) -> None:
        self._outbox, self._sender, self._shown = outbox, sender, shown
        self._may_send, self._policy = may_send, policy
        self._arrived, self._stopping = asyncio.Event(), asyncio.Event()
        self._reason: str | None = None

    @property
    def fault(self) -> str | None:
        """Why no clip can be sent at present."""
        if self._reason is None:
            return None
        waiting = plural(self._outbox.waiting, "clip")
        return f"{self._shown} does not accept clips: {self._reason}. Waiting: {waiting}."

    def wake(self) -> None:
        """Look for clips now."""
        self._arrived.set()

    def stop(self) -> None:
        """Let `run` end when nothing waits, or it cannot be sent."""
        self._stopping.set()
        self._arrived.set()

    async def run(self) -> None:
        """Send until stopped."""
        failures = 0
        while True:
            self._arrived.clear()
            try:
                has_sent = await self._send_one()
            except Exception as error:  # noqa: BLE001  whatever it is, the clip must be tried again
                self._failed(reason_of_failure(error))
                failures += 1
                if self._stopping.is_set():
                    return
                await _waited(self._stopping, self._policy.delay_s(failures))
                continue
            if has_sent:
                failures = 0
            elif self._stopping.is_set():
                return
            else:
                await _waited(self._arrived, _LOOK_S if self._may_send() else _PATIENCE_S)

    async def _send_one(self) -> bool:
        """Send the clip that matters most. Returns whether there was one."""
        await asyncio.to_thread(self._outbox.collect)
        if not self._may_send():
            return False
        clip = self._outbox.take()
        if clip is None:
            return False
        try:
            await self._sender.send(clip.name, self._outbox.audio(clip))
        except RefusedError as error:
            kept = await asyncio.to_thread(self._outbox.reject, clip, str(error))
            log.error("%s refused the clip %s (%s), kept in %s", self._shown, clip.name, error, kept)
        else:
            await asyncio.to_thread(self._outbox.remove, clip)
            self._works()
        return True

    def _failed(self, reason: str) -> None:
        first, self._reason = self._reason is None, reason
        if first:
            log.error("%s", self.fault)

    def _works(self) -> None:
        if self._reason is not None:
            log.info("%s accepts clips again", self._shown)
        self._reason = None


async def _waited(event: asyncio.Event, limit_s: float) -> None:
    """Wait for an event, for at most `limit_s`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()
