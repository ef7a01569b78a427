"""A web server that takes the lines of a spool as the bodies of POST requests."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from tidzam.scrub import scrub
from tidzam.spool.delivery import DeliveryError, RefusedError

REFUSALS: Final = frozenset({400, 413, 422})
"""Statuses by which a server says that it will never accept this content."""
_ANSWER_CHARACTERS: Final = 200


@dataclass(frozen=True)
class Post:
    """A request: its body, and the headers that belong to it."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class PostReceiver:
    """Posts lines to `url`, made into requests by `compose`. `shown` names the server in messages, and to
    `on_sent`, which is given each accepted request.

    A request whose answer was lost is sent again: the receiver must recognize it.
    """

    def __init__(
        self,
        url: str,
        compose: Callable[[Sequence[str]], Post],
        *,
        shown: str,
        timeout_s: float,
        on_sent: Callable[[str], None],
    ) -> None:
        self._url, self._compose, self.shown, self._on_sent = url, compose, shown, on_sent
        self._timeout = aiohttp.ClientTimeout(timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def connect(self) -> None:
        """Connections are made with the first request."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)

    async def send(self, lines: Sequence[str], done: set[Hashable]) -> None:
        """Post them in one request."""
        assert self._session is not None
        post = self._compose(lines)
        async with self._session.post(self._url, data=post.body, headers=post.headers, allow_redirects=False) as answer:
            await require_success(answer)
        self._on_sent(f"POST {self.shown} {post.body.decode()}")

    async def disconnect(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


async def require_success(answer: aiohttp.ClientResponse) -> None:
    """Raises RefusedError for the status 400, 413 or 422, DeliveryError for any other that is not 200 to 299."""
    if 200 <= answer.status < 300:
        return
    text = (await answer.text(errors="replace"))[:_ANSWER_CHARACTERS]
    reason = scrub(" ".join(f"status {answer.status} {answer.reason}: {text}".split()).rstrip(": "))
    raise RefusedError(reason) if answer.status in REFUSALS else DeliveryError(reason)
