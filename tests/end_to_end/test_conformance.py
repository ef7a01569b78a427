"""The requests to the stream manager as Tidzam 2019 documents them, sent by the clients that users have.

Each is sent without a request for an acknowledgement, as printed there, by python-socketio and by socket.io-client in
Node. Values in words, such as YYYY-MM-DD-HH-MM-SS, are replaced by such values.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.support.manager import Manager, stream_manager
from tests.support.sound import write_tones
from tests.support.web import web_server
from tests.support.wire_clients import WireClient, node_client, python_client

pytestmark = pytest.mark.timeout(120)

CLIENTS = {"python-socketio": python_client, "socket.io-client": node_client}


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("conformance")
    with stream_manager(folder, []) as running:
        running.until_well()
        yield running


@pytest.fixture(scope="module")
def address(manager: Manager) -> Iterator[str]:
    """A stream of two channels."""
    write_tones(manager.media_root / "pond.ogg", 2, seconds=30)
    with web_server(manager.media_root) as server:
        yield f"http://{server}/pond.ogg"


@pytest.fixture(params=list(CLIENTS))
async def client(request: pytest.FixtureRequest, manager: Manager) -> AsyncIterator[WireClient]:
    """A connected client. Afterwards no source is left."""
    async with CLIENTS[request.param](manager.url) as connected:
        yield connected
        for source in manager.health()["detail"]["sources"]:
            await connected.call("sys", {"sys": {"unloadsource": {"name": source["name"]}}})
    manager.until(lambda: not manager.health()["detail"]["sources"], within_s=10)


async def answer(client: WireClient, request: dict[str, Any]) -> Any:
    """What the client receives on the event `sys`."""
    await client.emit("sys", request)
    return await client.received("sys")


async def test_source_loading(client: WireClient, manager: Manager, address: str) -> None:
    request = {
        "sys": {
            "loadsource": {
                "name": "mynewsource",
                "url": address,
                "channels": "1,0",
                "is_permanent": True,
                "format": "ogg",
            }
        }
    }
    loaded = (await answer(client, request))["sys"]["loadsource"]
    assert (loaded["name"], loaded["state"], loaded["is_permanent"]) == ("mynewsource", "playing", True)
    assert manager.source("mynewsource")["ports"] == ["mynewsource:out_0", "mynewsource:out_1"]


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


async def test_a_failure_is_answered_on_the_event_that_asked(client: WireClient) -> None:
    request = {"sys": {"loadsource": {"name": "nothing"}}}
    refused = await answer(client, request)
    assert refused["error"]["code"] == "source_unknown"
    assert refused["request-origin"] == request


async def test_the_same_requests_may_ask_for_an_acknowledgement(client: WireClient, address: str) -> None:
    loaded = await client.call("sys", {"sys": {"loadsource": {"name": "mynewsource", "url": address}}})
    assert (loaded["ok"], loaded["sys"]["loadsource"]["state"]) == (True, "playing")
