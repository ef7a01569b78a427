"""The requests to the stream manager as Tidzam 2019 documents them, sent by the clients that users have.

Each is sent without a request for an acknowledgement, as printed there, by python-socketio and by socket.io-client in
Node. Values in words, such as YYYY-MM-DD-HH-MM-SS, are replaced by such values.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.manager import Manager, stream_manager
from tests.support.sound import write_tones
from tests.support.web import web_server
from tests.support.wire_clients import WireClient, node_client, python_client

pytestmark = pytest.mark.timeout(120)

RECORDING = "impoundment-2026-05-01-06-30-00"
LIVE = "tidzam-livestreams"
CLIENTS = {"python-socketio": python_client, "socket.io-client": node_client}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("conformance")
    write_tones(made / "pond.ogg", 2, seconds=30)
    (made / "recordings").mkdir()
    write_tones(made / "recordings" / f"{RECORDING}.wav", 2, seconds=20)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """A stream of two channels."""
    with web_server(folder) as server:
        yield f"http://{server}/pond.ogg"


@pytest.fixture(scope="module")
def manager(folder: Path, address: str) -> Iterator[Manager]:
    impoundment = {
        "name": "impoundment",
        "url": address,
        "path_database": str(folder / "recordings"),
        "nb_channels": 2,
        "channel_names": ["channel4", "test_chan5"],
    }
    with stream_manager(folder, [impoundment]) as running:
        running.until_well()
        yield running


@pytest.fixture(params=list(CLIENTS))
async def client(request: pytest.FixtureRequest, manager: Manager) -> AsyncIterator[WireClient]:
    """A connected client. Afterwards the sources are those of the profile."""
    async with CLIENTS[request.param](manager.url) as connected:
        yield connected
        await connected.call("sys", {"sys": {"unloadsource": {"name": "mynewsource"}}})
    manager.until(lambda: names(manager) == ["impoundment"], within_s=10)
    manager.until(lambda: manager.source("impoundment")["remarks"] == [], within_s=10)


def names(manager: Manager) -> list[str]:
    return [source["name"] for source in manager.health()["detail"]["sources"]]


async def answer(client: WireClient, request: dict[str, Any]) -> Any:
    """What the client receives on the event `sys`."""
    await client.emit("sys", request)
    return await client.received("sys")


def loadsource(address: str, date: str) -> dict[str, Any]:
    """The request with every key that is printed."""
    return {
        "sys": {
            "loadsource": {
                "name": "mynewsource",
                "url": address,
                "database": "impoundment",
                "date": date,
                "channels": "1,0",
                "is_permanent": True,
                "format": "ogg",
            }
        }
    }


async def test_source_loading_from_a_date_in_the_past(client: WireClient, manager: Manager, address: str) -> None:
    loaded = (await answer(client, loadsource(address, "2026-05-01-06-30-02")))["sys"]["loadsource"]
    assert (loaded["name"], loaded["state"], loaded["is_permanent"]) == ("mynewsource", "playing", True)
    assert loaded["replay"]["database"] == "impoundment"
    await asyncio.to_thread(manager.until, lambda: replayed(manager) == f"{RECORDING}.wav", within_s=10)
    assert manager.source("mynewsource")["ports"] == ["mynewsource:out_0", "mynewsource:out_1"]


def replayed(manager: Manager) -> str | None:
    """The file that the source replays."""
    replay = manager.source("mynewsource")["replay"]
    return replay and replay["file"]  # type: ignore[no-any-return]


async def test_source_loading_from_a_date_in_the_future_plays_the_url(
    client: WireClient, manager: Manager, address: str
) -> None:
    loaded = (await answer(client, loadsource(address, "2999-01-01-00-00-00")))["sys"]["loadsource"]
    assert (loaded["state"], loaded["url"], loaded["replay"]) == ("playing", address, None)
    assert manager.source("mynewsource")["ports"] == ["mynewsource:out_0", "mynewsource:out_1"]


async def test_source_loading_from_a_web_url(client: WireClient, address: str) -> None:
    loaded = (await answer(client, {"sys": {"loadsource": {"name": "mynewsource", "url": address}}}))["sys"]
    assert (loaded["loadsource"]["state"], loaded["loadsource"]["is_permanent"]) == ("playing", False)


async def test_the_list_of_source_databases(client: WireClient) -> None:
    periods = [["2026-05-01-06-30-00", "2026-05-01-06-30-20"]]
    assert await answer(client, {"sys": {"database": ""}}) == {
        "sys": {"database": {"impoundment": {"nb_channels": 2, "database": periods}}}
    }


async def test_source_loading_with_the_names_of_channels(client: WireClient, manager: Manager, address: str) -> None:
    request = {"sys": {"loadsource": {"name": "impoundment", "url": address, "channels": "test_chan5,channel4"}}}
    loaded = (await answer(client, request))["sys"]["loadsource"]
    assert (loaded["state"], loaded["channel_names"]) == ("playing", ["test_chan5", "channel4"])


async def test_source_loading_with_format_copy(client: WireClient, manager: Manager, address: str) -> None:
    request = {"sys": {"loadsource": {"name": "mynewsource", "url": address, "is_permanent": True, "format": "copy"}}}
    loaded = (await answer(client, request))["sys"]["loadsource"]
    assert (loaded["ports"], loaded["mounts"]) == ([], [f"{manager.icecast.url}/mynewsource.ogg"])
    await asyncio.to_thread(manager.until, lambda: manager.source("mynewsource")["bytes"] > 0, within_s=10)


@pytest.mark.parametrize(("sent", "meant"), [("True", True), (1, True), ("false", False), (False, False)])
async def test_is_permanent_true_or_false(
    client: WireClient, manager: Manager, address: str, sent: object, meant: bool
) -> None:
    await answer(client, {"sys": {"loadsource": {"name": "mynewsource", "url": address, "is_permanent": sent}}})
    assert manager.source("mynewsource")["is_permanent"] is meant


async def test_source_unloading(client: WireClient, manager: Manager, address: str) -> None:
    await answer(client, {"sys": {"loadsource": {"name": "mynewsource", "url": address}}})
    assert await answer(client, {"sys": {"loadsource": {"name": "mynewsource"}}}) == {
        "sys": {"loadsource": {"name": "mynewsource"}}
    }
    assert manager.source("mynewsource") == {}


async def test_unloading_sends_a_permanent_source_back_to_its_live_url(
    client: WireClient, manager: Manager, address: str
) -> None:
    replay = {"name": "impoundment", "database": "impoundment", "date": "2026-05-01-06-30-00"}
    assert (await answer(client, {"sys": {"loadsource": replay}}))["sys"]["loadsource"]["replay"]
    await answer(client, {"sys": {"loadsource": {"name": "impoundment"}}})
    await asyncio.to_thread(manager.until, lambda: plays_live(manager, address), within_s=10)


def plays_live(manager: Manager, address: str) -> bool:
    status = manager.source("impoundment")
    return (status["state"], status["url"], status["replay"]) == ("playing", address, None)


@pytest.mark.parametrize("packet", ["bytes", "object"])
async def test_a_live_stream_is_created_when_its_data_is_received(
    client: WireClient, manager: Manager, packet: str
) -> None:
    silence = bytes(2 * 44100)
    data = silence if packet == "bytes" else {"buffer": silence, "samplerate": 44100, "storage": False}
    await client.emit("audio", data)
    port = (await answer(client, {"sys": {"add_livestream": ""}}))["sys"]["portname"]
    assert port in manager.source(LIVE)["ports"]
    await answer(client, {"sys": {"del_livestream": ""}})
    await asyncio.to_thread(manager.until, lambda: not manager.source(LIVE), within_s=5)


async def test_a_new_live_stream_and_its_end(client: WireClient, manager: Manager) -> None:
    added = await answer(client, {"sys": {"add_livestream": ""}})
    port = added["sys"]["portname"]
    assert manager.source(LIVE)["ports"] == [port]
    assert await answer(client, {"sys": {"del_livestream": ""}}) == {"sys": {"del_livestream": ""}}
    await asyncio.to_thread(manager.until, lambda: not manager.source(LIVE), within_s=5)


@pytest.mark.parametrize("name", ["--version", "-i"])
async def test_the_name_of_a_source_is_never_taken_for_an_option(
    client: WireClient, manager: Manager, address: str, name: str
) -> None:
    loaded = (await answer(client, {"sys": {"loadsource": {"name": name, "url": address}}}))["sys"]["loadsource"]
    assert loaded["state"] == "playing"
    await asyncio.to_thread(manager.until, lambda: manager.source(name)["bytes"] > 0, within_s=10)
    await answer(client, {"sys": {"unloadsource": {"name": name}}})


async def test_a_failure_is_answered_on_the_event_that_asked(client: WireClient) -> None:
    request = {"sys": {"loadsource": {"name": "nothing"}}}
    refused = await answer(client, request)
    assert refused["error"]["code"] == "source_unknown"
    assert refused["request-origin"] == request


async def test_the_same_requests_may_ask_for_an_acknowledgement(client: WireClient, address: str) -> None:
    loaded = await client.call("sys", {"sys": {"loadsource": {"name": "mynewsource", "url": address}}})
    assert (loaded["ok"], loaded["sys"]["loadsource"]["state"]) == (True, "playing")
