"""Sources that JACK has no room for, with a real server that has few ports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import socketio

from tests.support.manager import Manager, stream_manager
from tests.support.sound import write_tones

pytestmark = pytest.mark.timeout(60)

PORT_MAX = 32
"""Of 31 usable ports, the dummy driver takes 4; each channel takes 3: its own, the encoder's, and the analyzer's."""


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("capacity")
    pond = {"name": "pond", "url": str(write_tones(folder / "pond.flac", 8, seconds=2)), "loop": True}
    with stream_manager(folder, [pond], port_max=PORT_MAX) as running:
        write_tones(running.media_root / "lake.flac", 2, seconds=2)
        running.until_well()
        yield running


async def ask(manager: Manager, **command: Any) -> dict[str, Any]:
    async with socketio.AsyncSimpleClient() as client:
        await client.connect(manager.url)
        return await client.call("sys", {"sys": command}, timeout=30)  # type: ignore[no-any-return]


LAKE = {"name": "lake", "url": "lake.flac", "loop": True}
NUMBERS = "it takes 6 ports and 3 clients; 28 of 31 ports"


async def test_a_guest_that_does_not_fit_is_refused_with_the_numbers(manager: Manager) -> None:
    answer = await ask(manager, loadsource=LAKE)
    assert answer["error"]["code"] == "jack_full"
    assert NUMBERS in answer["error"]["message"]
    assert manager.source("lake") == {}


async def test_a_channel_that_fits_is_loaded(manager: Manager) -> None:
    answer = await ask(manager, loadsource={**LAKE, "channels": "out_1"})
    assert answer["sys"]["loadsource"]["ports"] == ["lake:out_0"]


async def test_a_permanent_source_that_does_not_fit_is_listed_and_plays_when_there_is_room(manager: Manager) -> None:
    answer = await ask(manager, loadsource={**LAKE, "is_permanent": True})
    assert answer["ok"]
    status = manager.source("lake")
    assert status["code"] == "jack_full"
    assert NUMBERS in status["last_error"]
    await ask(manager, unloadsource={"name": "pond"})
    manager.until(lambda: manager.source("lake")["state"] == "playing", within_s=20)
