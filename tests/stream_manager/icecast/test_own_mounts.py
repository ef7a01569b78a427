"""Mounts of the node's own Icecast that its sources play."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stream_manager.icecast.own_mounts import own_mount, until_served
from stream_manager.icecast.server import Icecast, MountStatus
from tidzam.config.settings import IcecastSettings

pytestmark = pytest.mark.timeout(20)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("http://127.0.0.1:8000/pond-out_0.ogg", "127.0.0.1", "/pond-out_0.ogg"),
        ("http://localhost:8000/pond.ogg", "127.0.0.1", "/pond.ogg"),
        ("http://[::1]:8000/pond.ogg", "0.0.0.0", "/pond.ogg"),
        ("icecast://127.0.0.1:8000/pond.ogg", "127.0.0.1", "/pond.ogg"),
        ("http://listener:secret@127.0.0.1:8000/pond.ogg?x=1", "127.0.0.1", "/pond.ogg"),
        ("http://127.0.0.1:8000/pond.ogg.m3u", "127.0.0.1", "/pond.ogg"),
        ("http://127.0.0.1:8000/pond%20west.ogg.xspf", "127.0.0.1", "/pond west.ogg"),
        ("http://station.example:8000/pond.ogg", "station.example", "/pond.ogg"),
        ("http://127.0.0.1:8000/pond.ogg", "station.example", None),
        ("http://station.example:8000/pond.ogg", "127.0.0.1", None),
        ("http://127.0.0.1:8001/pond.ogg", "127.0.0.1", None),
        ("http://127.0.0.1/pond.ogg", "127.0.0.1", None),
        ("https://127.0.0.1:8000/pond.ogg", "127.0.0.1", None),
        ("rtsp://127.0.0.1:8000/pond", "127.0.0.1", None),
        ("http://a b:8000/pond.ogg", "127.0.0.1", None),
        ("/media/pond.ogg", "127.0.0.1", None),
        ("", "127.0.0.1", None),
    ],
)
def test_mounts_of_the_own_icecast_are_recognized(url: str, host: str, path: str | None) -> None:
    assert own_mount(url, IcecastSettings(host=host)) == path


class SimulatedIcecast(Icecast):
    """Serves what the test sets."""

    def __init__(self) -> None:
        super().__init__(IcecastSettings(), "secret", "other")

    async def serve(self, *paths: str) -> None:
        await self._note(dict.fromkeys(paths, MountStatus(0, 0)), "")


def waiting(icecast: Icecast, url: str = "http://127.0.0.1:8000/pond.ogg", **options: Any) -> asyncio.Task[None]:
    return asyncio.create_task(until_served(url, icecast, **({"timeout_s": 60.0} | options)))


async def test_a_source_waits_until_its_mount_is_served() -> None:
    icecast = SimulatedIcecast()
    wait = waiting(icecast)
    await asyncio.sleep(0)
    await icecast.serve("/marsh.ogg")
    assert not wait.done()
    await icecast.serve("/marsh.ogg", "/pond.ogg")
    await wait


async def test_a_source_does_not_wait_for_a_mount_that_is_served() -> None:
    icecast = SimulatedIcecast()
    await icecast.serve("/pond.ogg")
    await waiting(icecast)


async def test_a_source_does_not_wait_for_another_server() -> None:
    await waiting(SimulatedIcecast(), "http://station.example:8000/pond.ogg")


async def test_the_wait_has_an_end() -> None:
    await waiting(SimulatedIcecast(), timeout_s=0.05)
