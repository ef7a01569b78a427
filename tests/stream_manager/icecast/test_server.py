"""Icecast, the real one, asked as the stream manager does."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import aiohttp
import pytest

from stream_manager.icecast.mount import IcecastMount
from stream_manager.icecast.server import Icecast
from tests.stream_manager.icecast.test_ogg import encoded
from tests.support.eventually import eventually_async
from tests.support.icecast import ADMIN_PASSWORD, PASSWORD, icecast_server
from tidzam.icecast_passwords import LISTENER
from tidzam.node.icecast import listeners_file

pytestmark = pytest.mark.timeout(20)


async def test_the_password_of_sources_does_not_open_the_administration(tmp_path: Path) -> None:
    with icecast_server(tmp_path) as server:
        icecast = Icecast(server.settings, PASSWORD, ADMIN_PASSWORD)
        watching = asyncio.create_task(icecast.watch())
        await eventually_async(lambda: icecast.mounts is not None)
        assert icecast.mounts == {}
        watching.cancel()
        async with aiohttp.ClientSession(server.url) as http:
            for password, status in ((PASSWORD, 401), (ADMIN_PASSWORD, 200)):
                user = {"Authorization": aiohttp.encode_basic_auth("admin", password)}
                async with http.get("/admin/stats", headers=user) as answer:
                    assert answer.status == status


@pytest.mark.parametrize(("origins", "allowed"), [((), None), (("https://pond.example",), "https://pond.example")])
async def test_scripts_of_foreign_pages_read_nothing_unless_their_origin_is_listed(
    tmp_path: Path, origins: tuple[str, ...], allowed: str | None
) -> None:
    with icecast_server(tmp_path, origins=origins) as server:
        async with aiohttp.ClientSession(server.url) as http, http.get("/status-json.xsl") as answer:
            assert answer.status == 200
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed


async def test_a_mount_requires_the_token_where_listening_does(tmp_path: Path) -> None:
    listeners = tmp_path / "listeners"
    listeners.write_text(listeners_file("the-token"))
    with icecast_server(tmp_path, listeners=listeners) as server:
        mount = IcecastMount("/pond-out_0.ogg", "pond 0", Icecast(server.settings, PASSWORD, ADMIN_PASSWORD))
        serving = asyncio.create_task(mount.serve())
        mount.feed(encoded())
        while not mount.sent_bytes:
            mount.feed(encoded())
            await asyncio.sleep(0.1)
        async with aiohttp.ClientSession(server.url) as http:
            for user, status in ((None, 401), ("wrong", 401), ("the-token", 200)):
                headers = {"Authorization": aiohttp.encode_basic_auth(LISTENER, user)} if user else {}
                async with http.get("/pond-out_0.ogg", headers=headers) as answer:
                    assert answer.status == status
        serving.cancel()
        await asyncio.wait([serving])


async def test_a_wrong_source_password_is_reported_once_with_the_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with icecast_server(tmp_path) as server:
        mount = IcecastMount("/pond-out_0.ogg", "pond 0", Icecast(server.settings, "wrong", ADMIN_PASSWORD))
        serving = asyncio.create_task(mount.serve())
        with caplog.at_level(logging.DEBUG, logger="stream_manager.icecast.mount"):
            while len(caplog.records) < 2:
                mount.feed(encoded())
                await asyncio.sleep(0.05)
        serving.cancel()
        await asyncio.wait([serving])
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "401" in warnings[0]
    assert "TIDZAM_ICECAST_PASSWORD" in warnings[0]


async def test_a_mount_is_known_before_the_next_regular_poll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_manager.icecast.server.POLL_S", 600.0)
    with icecast_server(tmp_path) as server:
        icecast = Icecast(server.settings, PASSWORD, ADMIN_PASSWORD)
        mount = IcecastMount("/pond-out_0.ogg", "pond 0", icecast)
        watching = asyncio.create_task(icecast.watch())
        await eventually_async(lambda: icecast.mounts == {})
        serving = asyncio.create_task(mount.serve())

        def known() -> bool:
            mount.feed(encoded())
            return mount.path in (icecast.mounts or {})

        await eventually_async(known)
        for task in (serving, watching):
            task.cancel()
        await asyncio.wait([serving, watching])
