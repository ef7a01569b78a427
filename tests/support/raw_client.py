"""Frames and requests that no well-behaved client sends, and what a server logs of them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.support.server import RunningServer

WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


async def healthy(place: RunningServer) -> bool:
    async with aiohttp.ClientSession() as http, http.get(place.url + "/healthz") as answer:
        return answer.status == 200


@asynccontextmanager
async def raw(place: RunningServer, *, join: bool = True) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A WebSocket that has connected to the namespace, on which any frame can be sent."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(place.url + WEBSOCKET, max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=0.2)) as socket,
    ):
        assert (await socket.receive_str()).startswith("0")
        if join:
            await socket.send_str("40")
            assert (await socket.receive_str()).startswith("40")
        yield socket


def warnings(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The log of the server at its usual level, even if an earlier test has set another one."""
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
