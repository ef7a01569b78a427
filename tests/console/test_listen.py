"""Listening through the console: only to what sources play, only for those who may, and no longer than they listen."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import soundfile
from aiohttp import web
from yarl import URL

from tests.console.test_live import browser, serving
from tests.support.console import TOKEN, ConsoleUnderTest, console_with_profile
from tests.support.console_server import source
from tests.support.eventually import eventually_async
from tests.support.ports import free_port
from tests.support.sound import loudest_hz, tone
from tidzam.audio.files import read_audio
from tidzam.server import Health, Server

pytestmark = pytest.mark.timeout(60)

MOUNT = "wetland-out_0.ogg"


class Icecast:
    """A server with one mount, which sends `sound` at once, or else a part per tenth of a second. It counts its
    listeners."""

    def __init__(self, sound: bytes = b"") -> None:
        self.listeners, self._sound = 0, sound
        self.authorization: str | None = None

    async def listen(self, request: web.Request) -> web.StreamResponse:
        self.authorization = request.headers.get("Authorization")
        response = web.StreamResponse(headers={"Content-Type": "application/ogg", "Server": "Icecast"})
        await response.prepare(request)
        self.listeners += 1
        try:
            await response.write(self._sound)
            while request.transport is not None:
                await response.write(b"" if self._sound else b"OggS" * 100)
                await asyncio.sleep(0.1)
        finally:
            self.listeners -= 1
        return response

    async def secret(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text="secret")

    @asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_get(f"/{MOUNT}", self.listen)
        app.router.add_get("/admin.cgi", self.secret)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield
        finally:
            await runner.cleanup()


def manager_health() -> Health:
    """A stream manager whose first channel is encoded."""
    playing = source("wetland", 2, mounts=[f"http://127.0.0.1:8000/{MOUNT}"])
    return Health(True, (), {"jack": True, "icecast": True, "rate_hz": 44100, "faults": [], "sources": [playing]})


@dataclass
class Listening:
    """A node that plays, and a browser in which a viewer is logged in."""

    url: str
    http: aiohttp.ClientSession
    console: ConsoleUnderTest

    def mp3(self) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self.http.get(f"{self.url}/api/v1/listen/{MOUNT}?format=mp3")

    def get(self, mount: str = MOUNT) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self.http.get(URL(f"{self.url}/api/v1/listen/{mount}", encoded=True))


@asynccontextmanager
async def listening(home: Path, icecast: Icecast | None, **profile: Any) -> AsyncIterator[Listening]:
    """Without `icecast`, it is away."""
    port, place, manager = free_port(), free_port(), free_port()
    settings = {**profile, "icecast": {"port": place}}
    settings["console"] = {"port": port, **profile.get("console", {})}
    program = Server("stream manager", host="127.0.0.1", port=manager, health=manager_health, messages={})
    with console_with_profile(home, settings, manager=f"http://127.0.0.1:{manager}") as console:
        async with AsyncExitStack() as running:
            if icecast is not None:
                await running.enter_async_context(icecast.running(place))
            await running.enter_async_context(program)
            url = await running.enter_async_context(serving(console, port))
            http = await running.enter_async_context(browser(console))
            await console.runtime.monitor.refresh()
            yield Listening(url, http, console)


async def test_a_listener_hears_the_mount_and_leaves_it_again(tmp_path: Path) -> None:
    icecast = Icecast()
    async with listening(tmp_path, icecast) as node:
        async with node.get() as response:
            assert (response.status, response.content_type) == (200, "application/ogg")
            assert (await response.content.readexactly(800)).startswith(b"OggS")
            assert icecast.listeners == 1
        await eventually_async(lambda: not icecast.listeners, what="Icecast has no listener")
        await eventually_async(lambda: not node.console.runtime.streams.count, what="the listener is forgotten")


@pytest.mark.parametrize("mount", ["admin.cgi", "wetland-out_1.ogg", "..%2Fadmin.cgi", f"{MOUNT}%3Fx=1"])
async def test_only_mounts_of_sources_are_served(tmp_path: Path, mount: str) -> None:
    async with listening(tmp_path, Icecast()) as node, node.get(mount) as response:
        assert response.status == 404
        assert "secret" not in await response.text()


async def test_without_icecast_it_is_said(tmp_path: Path) -> None:
    async with listening(tmp_path, None) as node, node.get() as response:
        assert response.status == 404
        assert "Icecast does not answer." in await response.text()


async def test_icecast_gets_the_token_if_listening_requires_it(tmp_path: Path) -> None:
    icecast = Icecast()
    async with listening(tmp_path, icecast, access={"listen": "token"}) as node, node.get() as response:
        await response.content.readexactly(10)
    assert icecast.authorization == f"Basic {base64.b64encode(f'tidzam:{TOKEN}'.encode()).decode()}"


async def test_icecast_gets_no_token_if_listening_is_open(tmp_path: Path) -> None:
    icecast = Icecast()
    async with listening(tmp_path, icecast) as node, node.get() as response:
        await response.content.readexactly(10)
    assert icecast.authorization is None


async def test_one_listener_too_many_is_refused_and_leaves_no_connection(tmp_path: Path) -> None:
    icecast = Icecast()
    async with listening(tmp_path, icecast, console={"streams": 1}) as node, node.get() as response:
        await response.content.readexactly(10)
        async with node.get() as refused:
            assert refused.status == 429
        await eventually_async(lambda: icecast.listeners == 1, what="Icecast has one listener")


def ogg(frequency_hz: int) -> bytes:
    """Eight seconds of a tone."""
    data = io.BytesIO()
    soundfile.write(data, tone(frequency_hz, duration_s=8.0), 44100, format="OGG", subtype="VORBIS")
    return data.getvalue()


async def test_players_without_ogg_hear_mp3_of_one_encoder_that_ends_with_the_last(tmp_path: Path) -> None:
    icecast = Icecast(ogg(1000))
    async with listening(tmp_path, icecast) as node:
        streams = node.console.runtime.mp3_streams
        async with node.mp3() as first:
            assert (first.status, first.content_type) == (200, "audio/mpeg")
            async with node.mp3() as second:
                assert second.status == 200
                assert (icecast.listeners, streams.count) == (1, 1)
            (tmp_path / "heard.mp3").write_bytes(await first.content.readexactly(32_000))
        await eventually_async(lambda: not icecast.listeners, what="Icecast has no listener")
        assert streams.count == 0
    samples, rate_hz = read_audio(tmp_path / "heard.mp3")
    assert loudest_hz(samples[0, rate_hz // 2 : rate_hz], rate_hz) == 1000


async def test_without_icecast_there_is_no_mp3(tmp_path: Path) -> None:
    async with listening(tmp_path, None) as node, node.mp3() as response:
        assert response.status == 404
        assert node.console.runtime.mp3_streams.count == 0


async def test_no_more_than_some_mounts_are_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.live.mp3_streams.MOST", 0)
    async with listening(tmp_path, Icecast()) as node, node.mp3() as response:
        assert response.status == 503


async def test_a_head_request_ends_with_the_headers(tmp_path: Path) -> None:
    icecast = Icecast()
    async with listening(tmp_path, icecast) as node:
        async with node.http.head(f"{node.url}/api/v1/listen/{MOUNT}") as response:
            assert (response.status, response.content_type) == (200, "application/ogg")
        await eventually_async(lambda: not icecast.listeners, what="Icecast has no listener")


@pytest.mark.parametrize("path", ["/login", "/static/favicon.svg", "/api/v1/node", "/"])
async def test_pages_files_and_the_api_answer_head_requests(tmp_path: Path, path: str) -> None:
    async with listening(tmp_path, None) as node, node.http.head(node.url + path, allow_redirects=True) as response:
        assert (response.status, await response.read()) == (200, b"")
