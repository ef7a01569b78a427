"""The shared server, asked by a plain Socket.IO client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import socketio
from prometheus_client import CollectorRegistry, Counter

from tests.support.ports import free_port
from tidzam.errors import NodeError, RequestError
from tidzam.protocol.stream_manager import MESSAGES
from tidzam.server import Health, Server

WELL = Health(True)


async def echo(sid: str, data: Any) -> dict[str, Any] | None:
    match data:
        case "bad":
            raise RequestError("No.", hint="Ask otherwise.", field="url")
        case "bug":
            raise ZeroDivisionError
        case "quiet":
            return None
    return {"echo": data}


@asynccontextmanager
async def serving(health: Health = WELL, registry: CollectorRegistry | None = None) -> AsyncIterator[str]:
    port = free_port()
    server = Server("test", host="127.0.0.1", port=port, health=lambda: health, messages=MESSAGES, registry=registry)

    async def greet(sid: str) -> None:
        await server.emit("welcome", sid, to=sid)

    server.on("sys", echo)
    server.on_connect(greet)
    async with server:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def client(url: str) -> AsyncIterator[tuple[socketio.AsyncClient, asyncio.Queue[Any]]]:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    io = socketio.AsyncClient(reconnection=False)

    async def hear(data: Any) -> None:
        heard.put_nowait(data)

    io.on("sys", hear)
    await io.connect(url)
    try:
        yield io, heard
    finally:
        await io.disconnect()


async def test_an_acknowledged_request_is_answered_there_alone() -> None:
    async with serving() as url, client(url) as (io, heard):
        assert await io.call("sys", "hello") == {"ok": True, "echo": "hello"}
        assert await io.call("sys", "quiet") == {"ok": True}
        error = {"code": "request", "message": "No. Ask otherwise.", "field": "url"}
        assert await io.call("sys", "bad") == {"ok": False, "error": error}
        assert heard.empty()


@pytest.mark.parametrize("event", ["sis", "*", "x" * 5000, "\0"])
async def test_an_event_without_a_handler_is_refused(event: str) -> None:
    async with serving() as url, client(url) as (io, heard):
        answer = await io.call(event, {"a": 1})
        assert answer["error"]["code"] == "unknown_event"
        assert len(answer["error"]["message"]) < 200
        assert heard.empty()


async def test_the_nearest_event_is_suggested() -> None:
    async with serving() as url, client(url) as (io, _):
        assert "did you mean 'sys'?" in (await io.call("syz", None))["error"]["message"]


async def test_without_acknowledgement_the_answer_comes_on_the_event_and_to_the_asker_alone() -> None:
    async with serving() as url, client(url) as (io, heard), client(url) as (_, others):
        await io.emit("sys", "hello")
        assert await asyncio.wait_for(heard.get(), 5) == {"echo": "hello"}
        await io.emit("sys", "bad")
        answer = await asyncio.wait_for(heard.get(), 5)
        assert answer["error"]["code"] == "request"
        assert answer["request-origin"] == "bad"
        assert others.empty()


async def test_a_fault_of_ours_is_told_and_the_server_goes_on() -> None:
    async with serving() as url, client(url) as (io, _):
        assert (await io.call("sys", "bug"))["error"]["code"] == "internal"
        assert (await io.call("sys", "hello"))["ok"]


async def test_a_client_can_neither_leave_data_out_nor_call_the_hooks() -> None:
    async with serving() as url, client(url) as (io, heard):
        await io.emit("disconnect", "me")
        await io.emit("connect")
        await io.emit("sys")
        assert await asyncio.wait_for(heard.get(), 5) == {"echo": None}


async def test_a_client_that_has_come_is_greeted() -> None:
    async with serving() as url:
        io = socketio.AsyncClient()
        welcome: asyncio.Queue[str] = asyncio.Queue()
        io.on("welcome", welcome.put_nowait)
        await io.connect(url)
        assert await asyncio.wait_for(welcome.get(), 5) == io.get_sid()
        await io.disconnect()


async def test_health_metrics_and_schema() -> None:
    registry = CollectorRegistry()
    Counter("tidzam_things", "Things.", registry=registry).inc()
    unwell = Health(False, ("no sound",), {"jack": False})
    async with serving(unwell, registry) as url, aiohttp.ClientSession(url) as http:
        async with http.get("/healthz") as answer:
            assert answer.status == 503
            assert await answer.json() == {"ok": False, "reasons": ["no sound"], "detail": {"jack": False}}
        async with http.get("/metrics") as answer:
            assert "tidzam_things_total 1.0" in await answer.text()
        async with http.get("/schema.json") as answer:
            assert "url" in (await answer.json())["$defs"]["sys/loadsource"]["properties"]
    async with serving() as url, aiohttp.ClientSession(url) as http, http.get("/healthz") as answer:
        assert answer.status == 200


async def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = Server("test", host="127.0.0.1", port=port, health=lambda: Health(True), messages={})
        with pytest.raises(NodeError, match=f"{port}.*--port") as caught:
            await server.__aenter__()
    assert caught.value.code == "port_in_use"
