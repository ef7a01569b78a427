"""The Chain API: against a web server that checks who posts, and against ones that do not do their job."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from analyzer.sinks.chain import ChainAddress, ChainApi
from analyzer.sinks.queue import BoundedSink
from tidzam.errors import ConfigError
from tidzam.results import Analysis, AnalyzedBatch, WindowBatch

pytestmark = pytest.mark.timeout(60)

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
SECRET = "s:e@c/ret"
WHO = "Basic " + b64encode(f"me:{SECRET}".encode()).decode()


def hop(*channels: str) -> AnalyzedBatch:
    analyses = tuple(
        Analysis(
            channel=channel,
            start=START,
            end=START + timedelta(seconds=1),
            start_frame=0,
            result=("birds-owl",),
            probabilities={"birds": 0.98, "birds-owl": 0.912345},
            level_dbfs=-20.0,
            gap_frames=0,
        )
        for channel in channels
    )
    gaps = (0,) * len(channels)
    return AnalyzedBatch(WindowBatch(channels, np.zeros((len(channels), 10), np.float32), 10, 0, START, gaps), analyses)


@asynccontextmanager
async def chain_to(
    answer: Callable[[web.Request], Awaitable[web.Response]], *, timeout_s: float = 5.0
) -> AsyncIterator[ChainApi]:
    """A Chain API that posts to a server that answers so."""
    app = web.Application()
    app.router.add_post("/chain", answer)
    async with TestServer(app) as server:
        chain = ChainApi(ChainAddress.parse(f"me:{SECRET}@{server.make_url('/chain')}"), timeout_s=timeout_s)
        yield chain
        await chain.close()


async def test_what_is_heard_is_posted_by_whom_it_says() -> None:
    taken: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != WHO:
            return web.Response(status=401)
        taken.append(await request.json())
        return web.Response(status=204)

    async with chain_to(answer) as chain:
        await chain.deliver(hop("a:out_0", "a:out_1"))
        await chain.deliver(hop())
    predictions = {"birds": 0.98, "birds-owl": 0.9123}
    observation = {"time": "2026-05-01T06:30:00.000000+00:00", "result": ["birds-owl"], "predictions": predictions}
    assert taken == [[{"channel": channel, **observation} for channel in ("a:out_0", "a:out_1")]]
    assert chain.failed == 0


@pytest.mark.parametrize("status", [500, 401, 302])
async def test_trouble_is_logged_once_without_the_password(status: int, caplog: pytest.LogCaptureFixture) -> None:
    statuses = [status, status, 200]

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=statuses.pop(0), headers={"Location": "/elsewhere"})

    caplog.set_level(logging.DEBUG)
    async with chain_to(answer) as chain:
        for _ in range(3):
            await chain.deliver(hop("a:out_0"))
    assert chain.failed == 2
    assert [record.levelname for record in caplog.records if record.name == "analyzer.sinks.chain"] == ["ERROR", "INFO"]
    assert str(status) in caplog.text and SECRET not in caplog.text


async def test_a_server_that_is_away_costs_hops_alone(caplog: pytest.LogCaptureFixture) -> None:
    chain = ChainApi(ChainAddress.parse(f"me:{SECRET}@127.0.0.1:9"))
    await chain.deliver(hop("a:out_0"))
    await chain.close()
    assert chain.failed == 1 and "127.0.0.1:9" in caplog.text and SECRET not in caplog.text


async def test_a_server_that_hangs_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    go = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        await go.wait()
        return web.Response()

    async with chain_to(answer, timeout_s=0.2) as chain:
        sink = BoundedSink("chain", chain.deliver, limit=3)
        running = asyncio.create_task(sink.run())
        for _ in range(20):
            sink.put(hop("a:out_0"))
        while not chain.failed:  # noqa: ASYNC110  two lines, not an event
            await asyncio.sleep(0.01)
        running.cancel()
        go.set()
    assert sink.dropped == 17 and "no answer in time" in caplog.text


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
    address = ChainAddress.parse(text)
    assert address == ChainAddress(url, user, password)
    assert not password or password not in repr(address)


@pytest.mark.parametrize(
    "text", ["me:hidden@", ":hidden@host", "me:hidden@ftp://host", "me:hidden@host:port", "http://"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ChainAddress.parse(text)
    assert "hidden" not in str(caught.value)
