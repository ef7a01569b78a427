"""Sends the lines of a spool to a web server, in their order, until it has accepted them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from analyzer.sinks.spool import Spool, SpooledLines
from tidzam.errors import TidzamError
from tidzam.process import RestartPolicy
from tidzam.scrub import scrub
from tidzam.text import plural

log = logging.getLogger(__name__)

_POLICY: Final = RestartPolicy(first_delay_s=0.5, max_delay_s=60.0)
_REFUSED: Final = frozenset({400, 413, 422})
"""Statuses by which a server says that it will never accept this content."""
_ANSWER_CHARACTERS: Final = 200


@dataclass(frozen=True)
class Post:
    """A request: its body, and the headers that belong to it."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class _Refused(Exception):
    """The server will never accept this content."""


class Poster:
    """Posts what is in `spool` to `url`, made into requests by `compose`.

    A server that is away, or answers with a status that may pass, is tried again with growing delays; `fault` is the
    reason meanwhile. Content that it refuses for good (status 400, 413 or 422) is set aside, and the next is sent. A
    request whose answer was lost is sent again: the receiver must recognize it. `shown` names the server in messages.
    """

    def __init__(
        self,
        spool: Spool,
        url: str,
        compose: Callable[[Sequence[str]], Post],
        *,
        shown: str,
        timeout_s: float,
        collect_s: float = 0.0,
        policy: RestartPolicy = _POLICY,
    ) -> None:
        self._spool, self._url, self._compose, self._shown = spool, url, compose, shown
        self._timeout, self._collect_s, self._policy = aiohttp.ClientTimeout(timeout_s), collect_s, policy
        self._arrived = asyncio.Event()
        self._reason: str | None = None

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        if self._reason is None:
            return None
        waiting = plural(self._spool.waiting, "result")
        return f"{self._shown} does not accept results: {self._reason}. On disk: {waiting}."

    async def put(self, lines: Sequence[str]) -> None:
        """Store lines on disk, to be sent. Raises TidzamError (`spool`)."""
        await asyncio.to_thread(self._spool.append, lines)
        self._arrived.set()

    async def run(self) -> None:
        """Send until cancelled."""
        failures = 0
        while True:
            if await self.flush():
                failures = 0
                self._arrived.clear()
                if not self._spool.waiting:
                    await self._arrived.wait()
                await asyncio.sleep(self._collect_s)
            else:
                failures += 1
                await asyncio.sleep(self._policy.delay_s(failures))

    async def flush(self) -> bool:
        """Send everything that waits, up to the first failure. Returns whether nothing waits then."""
        try:
            async with aiohttp.ClientSession(timeout=self._timeout) as session:
                while (found := await asyncio.to_thread(self._spool.oldest)) is not None:
                    await self._send(session, found)
        except Exception as error:  # noqa: BLE001  whatever it is, what waits must be tried again
            self._failed(_reason(error))
            return False
        self._works()
        return True

    async def _send(self, session: aiohttp.ClientSession, found: SpooledLines) -> None:
        post = self._compose(found.lines)
        try:
            await self._post(session, post)
        except _Refused as error:
            kept = await asyncio.to_thread(self._spool.set_aside, found.path)
            refused = plural(len(found.lines), "result")
            log.error("%s refused %s (%s), kept in %s", self._shown, refused, error, kept)
        else:
            await asyncio.to_thread(self._spool.remove, found.path)

    async def _post(self, session: aiohttp.ClientSession, post: Post) -> None:
        async with session.post(self._url, data=post.body, headers=post.headers, allow_redirects=False) as answer:
            if 200 <= answer.status < 300:
                return
            text = (await answer.text(errors="replace"))[:_ANSWER_CHARACTERS]
            reason = scrub(" ".join(f"status {answer.status} {answer.reason}: {text}".split()).rstrip(": "))
            raise _Refused(reason) if answer.status in _REFUSED else aiohttp.ClientError(reason)

    def _failed(self, reason: str) -> None:
        first, self._reason = self._reason is None, reason
        if first:
            log.error("%s", self.fault)

    def _works(self) -> None:
        if self._reason is not None:
            log.info("%s accepts results again", self._shown)
        self._reason = None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    known = isinstance(error, aiohttp.ClientError | TidzamError) and str(error)
    return scrub(str(error) if known else f"{type(error).__name__}: {error}").rstrip(".")
