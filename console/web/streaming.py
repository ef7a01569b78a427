"""Responses that go on for hours: for a limited number of visitors, who may see them, and who take what is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from console.accounts.visitor import Visitor
from console.web.permissions import visitor_of
from console.web.runtime import runtime_of
from tidzam.accounts.roles import Permission
from tidzam.errors import StoreError

STALLED_S: Final = 30.0
"""A client that takes nothing for this long is gone."""
CHECK_S: Final = 60.0
"""How often is asked whether the visitor may still see it: a session may have ended."""
NO_BUFFERING: Final = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
"""Reverse proxies pass each part on at once, and do not compress."""


class Stream(StreamingResponse):
    """Sends `parts` as they come, until they end, the visitor leaves or stalls, or may no longer view.

    If too many go on already, it raises RequestError (`too_many_streams`) instead.
    """

    def __init__(
        self,
        request: Request,
        parts: AsyncGenerator[bytes],
        *,
        visitor: Visitor,
        media_type: str,
        on_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`on_end` is called in any case, also if nothing was sent."""
        super().__init__(parts, headers=NO_BUFFERING, media_type=media_type)
        self._parts, self._request, self._visitor, self._on_end = parts, request, visitor, on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_soon(message: Message) -> None:
            async with asyncio.timeout(STALLED_S):
                await send(message)

        async with AsyncExitStack() as ending:
            if self._on_end is not None:
                ending.push_async_callback(self._on_end)
            self.body_iterator = await ending.enter_async_context(aclosing(_while_allowed(self._request, self._parts)))
            ending.enter_context(runtime_of(self._request).streams.one(self._visitor.key))
            with suppress(TimeoutError):  # a client that stalls is left
                await super().__call__(scope, receive, send_soon)


async def _while_allowed(request: Request, parts: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """`parts`, until the visitor may no longer view."""
    runtime, loop = runtime_of(request), asyncio.get_running_loop()
    checked_s = loop.time()
    async with aclosing(parts):
        async for part in parts:
            if loop.time() - checked_s > CHECK_S:
                checked_s = loop.time()
                with suppress(StoreError):  # while the database is away, nobody is sent away
                    visitor = await run_in_threadpool(visitor_of, request, runtime)
                    if not visitor.may(Permission.VIEW):
                        return
            yield part
