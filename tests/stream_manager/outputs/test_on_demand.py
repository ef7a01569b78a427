"""Mounts that are encoded while somebody listens, with a real Icecast and real listeners."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Never

import aiohttp
import pytest

from stream_manager.icecast import server
from stream_manager.icecast.mount import IcecastMount
from stream_manager.icecast.ogg import PageReader
from stream_manager.outputs import on_demand
from stream_manager.outputs.on_demand import encode_on_demand, stream_headers
from tests.stream_manager.icecast.test_ogg import encoded
from tests.support.eventually import eventually_async
from tests.support.icecast import PASSWORD, icecast_server
from tests.support.services import services
from tidzam.config.settings import IcecastSettings

pytestmark = pytest.mark.timeout(40)

PATH = "/pond-out_0.ogg"
PAGE_S = 0.1


@pytest.fixture(autouse=True)
def _frequent_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "POLL_S", 0.1)


class Encoder:
    """Feeds a mount as an encoder does: a page of noise every tenth of a second."""

    def __init__(self, mount: IcecastMount) -> None:
        self._mount, self.starts, self.is_running = mount, 0, False

    async def encode(self) -> Never:
        self.starts += 1
        self.is_running = True
        try:
            self._mount.begin()
            for page in PageReader().feed(encoded(20.0)):
                self._mount.feed(page.data)
                await asyncio.sleep(PAGE_S if not page.is_first else 0)
            raise AssertionError("the test takes too long")
        finally:
            self.is_running = False


@asynccontextmanager
async def mounted(folder: Path) -> AsyncIterator[tuple[Encoder, str]]:
    """A mount without listeners that Icecast lists, and its address."""
    with icecast_server(folder) as server:
        shared = services(icecast=server.settings, password=PASSWORD)
        mount = IcecastMount(PATH, "pond 0", shared.icecast)
        encoder = Encoder(mount)
        running = [
            asyncio.create_task(shared.icecast.watch()),
            asyncio.create_task(mount.serve()),
            asyncio.create_task(encode_on_demand("pond", [mount], shared, encoder.encode)),
        ]
        try:
            await eventually_async(lambda: PATH in (shared.icecast.mounts or {}))
            yield encoder, f"{server.url}{PATH}"
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)


async def heard(url: str, size: int) -> bytes:
    """The first `size` bytes that a listener gets."""
    async with aiohttp.ClientSession() as http:
        while True:
            async with http.get(url) as answer:
                if answer.status == 200:
                    return await answer.content.readexactly(size)
            await asyncio.sleep(0.02)  # the mount is being renewed


def decodes(sound: bytes) -> bool:
    argv = ["ffmpeg", "-v", "error", "-xerror", "-i", "-", "-f", "null", "-"]
    return subprocess.run(argv, input=sound, timeout=20, check=False).returncode == 0


async def test_a_mount_that_nobody_listens_to_is_listed_but_not_encoded(tmp_path: Path) -> None:
    async with mounted(tmp_path) as (encoder, _):
        assert encoder.starts == 0


async def test_a_listener_hears_one_stream_from_its_first_page(tmp_path: Path) -> None:
    async with mounted(tmp_path) as (encoder, url):
        sound = await heard(url, 10_000)
        assert encoder.starts == 1
    pages = list(PageReader().feed(sound))
    assert [page.is_first for page in pages].count(True) == 1
    assert decodes(b"".join(page.data for page in pages))


async def test_encoding_ends_after_the_last_listener_and_begins_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "LINGER_S", 0.5)
    async with mounted(tmp_path) as (encoder, url):
        first = await heard(url, 10_000)
        await eventually_async(lambda: not encoder.is_running)
        again = await heard(url, 10_000)
        assert encoder.starts == 2
    # What was encoded then, from its beginning: nothing old is left in Icecast.
    assert [page.content for page in PageReader().feed(again)] == [page.content for page in PageReader().feed(first)]


async def test_encoding_goes_on_while_another_listener_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_demand, "LINGER_S", 0.5)
    async with mounted(tmp_path) as (encoder, url), aiohttp.ClientSession() as http, http.get(url) as staying:
        await heard(url, 10_000)
        await staying.content.readexactly(30_000)
        assert encoder.starts == 1


@pytest.mark.parametrize("codec", ["vorbis", "opus", "flac"])
async def test_the_headers_are_those_of_the_codec(codec: Any) -> None:
    pages = list(PageReader().feed(await stream_headers(services(icecast=IcecastSettings(codec=codec)))))
    assert [page.is_first for page in pages] == [True] + [False] * (len(pages) - 1)
    assert {"vorbis": b"vorbis", "opus": b"OpusHead", "flac": b"FLAC"}[codec] in pages[0].content
