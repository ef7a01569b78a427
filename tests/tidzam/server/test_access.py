"""Who may listen and manage: asked of a real server by real clients, over every transport."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
import socketio

from tests.support.server import HANDSHAKE, TOKEN, RunningServer, client, serving
from tidzam.config.settings import AccessSettings
from tidzam.server import Right

pytestmark = pytest.mark.timeout(60)

TRANSPORTS = pytest.mark.parametrize("transport", ["polling", "websocket"])
NEEDS_TOKEN = AccessSettings(manage="token")
REFUSED = {"ok": False, "error": {"code": "unauthorized", "message": "unauthorized", "field": None}}
FOREIGN = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}]


@TRANSPORTS
async def test_on_loopback_the_originals_clients_manage_without_a_token(transport: str) -> None:
    async with serving() as place, client(place, transport=transport) as io:
        assert (await io.call("change", 1))["ok"]
    assert place.changes == [1]
    assert not place.callers[0].has_token


@TRANSPORTS
@pytest.mark.parametrize("auth", [None, {"token": "wrong"}, {"token": None}, {"token": {"a": 1}}, {"token": ""}])
async def test_without_the_token_nothing_is_changed_where_managing_needs_it(transport: str, auth: Any) -> None:
    async with serving(settings=NEEDS_TOKEN) as place, client(place, transport=transport, auth=auth) as io:
        assert await io.call("change", 1) == REFUSED
        assert (await io.call("read", 1))["ok"]
    assert place.changes == []


@TRANSPORTS
async def test_the_token_in_auth_manages(transport: str) -> None:
    async with serving(settings=NEEDS_TOKEN) as place, client(place, transport=transport, auth={"token": TOKEN}) as io:
        assert (await io.call("change", 1))["ok"]
    assert place.callers[0].has_token
    assert place.callers[0].may(Right.MANAGE)
    assert place.callers[0].address == "127.0.0.1"


@TRANSPORTS
async def test_the_token_in_the_authorization_header_manages(transport: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with serving(settings=NEEDS_TOKEN) as place, client(place, transport=transport, headers=headers) as io:
        assert (await io.call("change", 1))["ok"]


@TRANSPORTS
async def test_a_server_without_a_token_refuses_every_token(transport: str) -> None:
    async with serving(settings=NEEDS_TOKEN, token=None) as place:
        for auth in (None, {"token": ""}, {"token": "None"}, {"token": TOKEN}):
            async with client(place, transport=transport, auth=auth) as io:
                assert await io.call("change", 1) == REFUSED


async def test_a_refusal_without_acknowledgement_comes_on_the_event() -> None:
    async with serving(settings=NEEDS_TOKEN) as place, client(place) as io:
        heard: asyncio.Queue[Any] = asyncio.Queue()
        io.on("change", heard.put_nowait)
        await io.emit("change", {"a": 1})
        answer = await asyncio.wait_for(heard.get(), 5)
    assert answer == {"error": REFUSED["error"], "request-origin": {"a": 1}}


@TRANSPORTS
async def test_where_listening_needs_the_token_no_other_client_connects_or_receives_events(transport: str) -> None:
    async with serving(settings=AccessSettings(listen="token")) as place:
        io = socketio.AsyncClient(reconnection=False)
        heard: list[Any] = []
        reasons: list[Any] = []
        io.on("*", lambda event, data: heard.append(data))
        io.on("connect_error", reasons.append)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await io.connect(place.url, transports=[transport], auth={"token": "wrong"})
        await place.server.emit("news", "for those who may listen")
        async with client(place, transport=transport, auth={"token": TOKEN}) as friend:
            assert (await friend.call("read", 1))["ok"]
        await io.disconnect()
    assert heard == []
    assert reasons[0]["code"] == "unauthorized"


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_reaches_nothing_over_http(headers: dict[str, str]) -> None:
    async with serving() as place, aiohttp.ClientSession() as http:
        for path in (HANDSHAKE, "/healthz", "/metrics", "/schema.json", "/nothing"):
            for method in ("GET", "POST", "OPTIONS"):
                async with http.request(method, place.url + path, headers=headers) as answer:
                    body = await answer.json()
                    assert answer.status == 403
                    assert body == {"error": REFUSED["error"]}
                    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_opens_no_websocket(headers: dict[str, str]) -> None:
    url = "/socket.io/?EIO=4&transport=websocket"
    async with serving() as place, aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(place.url + url, headers=headers)
        assert caught.value.status == 403


@TRANSPORTS
@pytest.mark.parametrize("headers", FOREIGN)
async def test_a_foreign_page_cannot_use_a_session_nor_the_token(transport: str, headers: dict[str, str]) -> None:
    async with serving() as place, aiohttp.ClientSession() as http:
        async with http.get(place.url + HANDSHAKE) as answer:
            sid = json.loads((await answer.text())[1:])["sid"]
        for method, body in (("GET", None), ("POST", '42["change",1]')):
            async with http.request(method, f"{place.url}{HANDSHAKE}&sid={sid}", data=body, headers=headers) as answer:
                assert answer.status == 403
        io = socketio.AsyncClient(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await io.connect(place.url, transports=[transport], headers=headers, auth={"token": TOKEN})
        await io.disconnect()
    assert place.changes == []


@TRANSPORTS
async def test_listed_origins_and_the_servers_own_connect(transport: str) -> None:
    settings = AccessSettings(origins=("https://friend.example",))
    async with serving(settings=settings) as place:
        for origin in ("https://friend.example", place.url):
            async with client(place, transport=transport, headers={"Origin": origin}) as io:
                assert (await io.call("change", origin))["ok"]


async def test_only_listed_origins_get_cross_origin_headers() -> None:
    settings = AccessSettings(origins=("https://friend.example",))
    async with serving(settings=settings) as place, aiohttp.ClientSession() as http:
        for method in ("GET", "OPTIONS"):
            async with http.request(
                method, place.url + HANDSHAKE, headers={"Origin": "https://friend.example"}
            ) as answer:
                assert answer.status in (200, 204)
                assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.example"
        async with http.get(place.url + HANDSHAKE) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_jsonp_which_pages_of_any_origin_could_read_is_refused() -> None:
    async with serving() as place, aiohttp.ClientSession() as http, http.get(place.url + HANDSHAKE + "&j=0") as answer:
        assert answer.status == 400


async def test_two_host_headers_are_refused() -> None:
    async with serving() as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        host = f"127.0.0.1:{place.port}"
        writer.write(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n".encode())
        status = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
    assert status.split()[1] in (b"400", b"403")


async def routes(place: RunningServer, token: str | None, *, headers: dict[str, str] | None = None) -> dict[str, int]:
    sent = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    found = {}
    async with aiohttp.ClientSession(headers=sent) as http:
        for path in ("/metrics", "/schema.json", "/healthz"):
            async with http.get(place.url + path) as answer:
                found[path] = answer.status
    return found


async def test_reading_the_state_over_http_needs_the_right_to_listen() -> None:
    async with serving(settings=AccessSettings(listen="token")) as place:
        assert await routes(place, None) == {"/metrics": 401, "/schema.json": 401, "/healthz": 200}
        assert await routes(place, "wrong") == {"/metrics": 401, "/schema.json": 401, "/healthz": 200}
        assert await routes(place, TOKEN) == {"/metrics": 200, "/schema.json": 200, "/healthz": 200}


async def test_the_health_is_public_and_its_details_are_not() -> None:
    async with serving(settings=AccessSettings(listen="token")) as place, aiohttp.ClientSession() as http:
        async with http.get(place.url + "/healthz") as answer:
            assert await answer.json() == {"ok": True}
        async with http.get(place.url + "/healthz", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            assert (await answer.json())["detail"] == {"secret": "detail"}


async def test_on_all_addresses_managing_needs_the_token_and_each_address_of_the_machine_is_accepted() -> None:
    async with serving(host="0.0.0.0") as place:
        async with client(place) as io:
            assert await io.call("change", 1) == REFUSED
        async with client(place, auth={"token": TOKEN}) as io:
            assert (await io.call("change", 1))["ok"]


async def test_a_client_that_has_gone_may_do_nothing() -> None:
    async with serving() as place:
        gone = asyncio.Event()

        async def leave(sid: str) -> None:
            gone.set()

        place.server.on_disconnect(leave)
        async with client(place) as io:
            await io.call("change", 1)
            sid = place.callers[0].id
            assert place.server.client(sid).may(Right.MANAGE)
        await asyncio.wait_for(gone.wait(), 5)
        await asyncio.sleep(0)
        assert not place.server.client(sid).may(Right.LISTEN)
