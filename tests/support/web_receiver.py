"""A web server that records the requests that it accepts, and answers as a test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDictProxy


@dataclass
class Received:
    """A request."""

    path: str
    headers: CIMultiDictProxy[str]
    body: bytes


@dataclass
class WebReceiver:
    """`statuses` are the answers to the next requests, then 204. `requests` holds all, `accepted` those answered 204.

    With `loses_answer`, one request is accepted, and the connection closed without an answer.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    accepted: list[Received] = field(default_factory=list)
    loses_answer: bool = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Handle a request."""
        found = Received(request.path_qs, request.headers, await request.read())
        self.requests.append(found)
        status = self.statuses.pop(0) if self.statuses else 204
        if status == 204:
            self.accepted.append(found)
        if self.loses_answer:
            self.loses_answer = False
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=status, text="" if status == 204 else "the reason")

    @property
    def lines(self) -> list[str]:
        """The lines of all accepted bodies."""
        return [line for one in self.accepted for line in one.body.decode().split("\n")]


@asynccontextmanager
async def web_receiver(port: int | None = None) -> AsyncIterator[WebReceiver]:
    """A receiver on the loopback while the context is open."""
    receiver, app = WebReceiver(), web.Application()
    app.router.add_post("/{path:.*}", receiver.answer)
    async with TestServer(app, port=port) as server:
        receiver.url = str(server.make_url("/")).rstrip("/")
        yield receiver
