"""The Chain API: against a web server that checks the credentials, and against servers that fail."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from analyzer.sinks.base import NamedSink, SinkContext
from analyzer.sinks.chain import ChainSink, parse_chain_address
from analyzer.sinks.queue import BoundedSink
from tests.support.batches import LABELS, Batches
from tests.support.eventually import eventually_async
from tidzam.errors import ConfigError, TidzamError
from tidzam.process import RestartPolicy

pytestmark = pytest.mark.timeout(60)

SECRET = "s:e@c/ret"
CREDENTIALS = "Basic " + b64encode(f"me:{SECRET}".encode()).decode()
CONTEXT = SinkContext(node="garden", labels=LABELS)
AT_ONCE = RestartPolicy(first_delay_s=0.01, max_delay_s=0.01)


@asynccontextmanager
async def chain_to(
    answer: Callable[[web.Request], Awaitable[web.Response]], *, timeout_s: float = 5.0
) -> AsyncIterator[ChainSink]:
    """A sink, not yet open, that posts to a server with this handler."""
    app = web.Application()
    app.router.add_post("/chain", answer)
    async with TestServer(app) as server:
        settings = parse_chain_address(f"me:{SECRET}@{server.make_url('/chain')}")
        yield ChainSink(settings.model_copy(update={"timeout_s": timeout_s}), CONTEXT)


async def test_results_are_posted_with_credentials() -> None:
    taken: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != CREDENTIALS:
            return web.Response(status=401)
        taken.append(await request.json())
        return web.Response(status=204)

    batches = Batches()
    async with chain_to(answer) as chain:
        await chain.open()
        await chain.deliver(batches.batch(0, a_0="birds", a_1="frogs"))
        await chain.deliver(batches.batch(1))
        await chain.close()
    time = "2026-05-01T06:30:00.000000+00:00"
    assert taken == [
        [
            {"time": time, "channel": "a:out_0", "result": ["birds"], "predictions": {"birds": 0.9}},
            {"time": time, "channel": "a:out_1", "result": ["frogs"], "predictions": {"frogs": 0.9}},
        ]
    ]


@pytest.mark.parametrize("status", [500, 401, 302])
async def test_a_failing_server_is_logged_once_without_the_password(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    statuses = [status, status, 200]

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=statuses.pop(0), headers={"Location": "/elsewhere"})

    caplog.set_level(logging.DEBUG)
    batches = Batches()
    async with chain_to(answer) as chain:
        sink = BoundedSink(NamedSink("chain", chain), policy=AT_ONCE)
        running = asyncio.create_task(sink.run())
        for number in range(3):
            sink.put(batches.batch(number, a_0="birds"))
        await eventually_async(lambda: not statuses and sink.fault is None)
        running.cancel()
        await asyncio.wait([running])
    assert sink.errors == 2
    assert [record.levelname for record in caplog.records if record.name == "analyzer.sinks.queue"] == ["ERROR", "INFO"]
    assert f"status {status}" in caplog.text
    assert SECRET not in caplog.text


async def test_a_server_that_is_away_is_named_without_the_password() -> None:
    chain = ChainSink(parse_chain_address(f"me:{SECRET}@127.0.0.1:9"), CONTEXT)
    await chain.open()
    with pytest.raises(TidzamError, match=r"127\.0\.0\.1:9 does not accept results") as caught:
        await chain.deliver(Batches().batch(0, a_0="birds"))
    await chain.close()
    assert SECRET not in str(caught.value)


async def test_a_server_that_hangs_costs_batches_alone() -> None:
    go = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        await go.wait()
        return web.Response()

    batches = Batches()
    async with chain_to(answer, timeout_s=0.2) as chain:
        sink = BoundedSink(NamedSink("chain", chain), limit=3)
        running = asyncio.create_task(sink.run())
        for number in range(20):
            sink.put(batches.batch(number, a_0="birds"))
        await eventually_async(lambda: sink.errors > 0)
        running.cancel()
        await asyncio.wait([running])
        go.set()
    assert sink.dropped == 17
    assert sink.fault is not None
    assert "no answer in time" in sink.fault


@pytest.mark.parametrize(
    ("text", "url", "user", "password"),
    [
        ("me:pw@http://host:80/x", "http://host:80/x", "me", "pw"),
        ("me:pw@host/x", "http://host/x", "me", "pw"),
        ("https://me:pw@host", "https://host", "me", "pw"),
        ("HTTPS://me:pw@host", "HTTPS://host", "me", "pw"),
        ("me:pw@Http://host/x", "Http://host/x", "me", "pw"),
        ("me:a:b@c/d@https://host", "https://host", "me", "a:b@c/d"),
        ("host:8000", "http://host:8000", "", ""),
    ],
)
def test_addresses(text: str, url: str, user: str, password: str) -> None:
    settings = parse_chain_address(text)
    assert (settings.url, settings.user, settings.password.get_secret_value()) == (url, user, password)
    assert not password or password not in repr(settings)


@pytest.mark.parametrize(
    "text", ["me:hidden@", ":hidden@host", "me:hidden@ftp://host", "me:hidden@host:port", "http://"]
)
def test_an_unusable_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_chain_address(text)
    assert "hidden" not in str(caught.value)
