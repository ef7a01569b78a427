"""Routes and static files that a program adds, and the authentication that they share with sockets."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from tests.support.server import TOKEN, RunningServer, client, serving
from tidzam.config.settings import AccessSettings
from tidzam.errors import RequestError
from tidzam.server import Client, Credentials, Identity, Right, Route, Server

pytestmark = pytest.mark.timeout(60)

CLOSED = AccessSettings(listen="token", manage="token")
BEARER = {"Authorization": f"Bearer {TOKEN}"}
REFUSED = {"error": {"code": "unauthorized", "message": "unauthorized", "field": None}}


async def name_of_caller(request: web.Request, caller: Client) -> web.Response:
    return web.json_response({"name": caller.identity.name, "token": caller.has_token})


async def complain(request: web.Request, caller: Client) -> web.Response:
    raise RequestError("The frog is green, expected brown.", field="color")


ROUTES = [
    Route("POST", "/act", name_of_caller),
    Route("GET", "/look", name_of_caller, needs=Right.LISTEN),
    Route("GET", "/login", name_of_caller, needs=None),
    Route("GET", "/complain", complain, needs=None),
]


async def ask(running: RunningServer, method: str, path: str, **options: Any) -> tuple[int, Any]:
    """The status, and the body of a JSON response."""
    async with aiohttp.ClientSession() as http, http.request(method, running.url + path, **options) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else None


@pytest.mark.parametrize(("method", "path"), [("POST", "/act"), ("GET", "/look")])
async def test_a_route_is_refused_without_the_right_that_it_needs(method: str, path: str) -> None:
    async with serving(settings=CLOSED, routes=lambda server: server.add_routes(ROUTES)) as place:
        assert await ask(place, method, path) == (401, REFUSED)


@pytest.mark.parametrize(("method", "path"), [("POST", "/act"), ("GET", "/look")])
async def test_a_route_is_served_with_the_token(method: str, path: str) -> None:
    async with serving(settings=CLOSED, routes=lambda server: server.add_routes(ROUTES)) as place:
        status, body = await ask(place, method, path, headers=BEARER)
    assert (status, body["token"]) == (200, True)


async def test_a_route_that_needs_no_right_is_for_everybody() -> None:
    async with serving(settings=CLOSED, routes=lambda server: server.add_routes(ROUTES)) as place:
        assert await ask(place, "GET", "/login") == (200, {"name": "", "token": False})


async def test_a_route_needs_the_right_to_manage_unless_another_one_is_given() -> None:
    async with serving(
        settings=AccessSettings(manage="token"), routes=lambda server: server.add_route("POST", "/act", name_of_caller)
    ) as place:
        assert await ask(place, "POST", "/act") == (401, REFUSED)


async def test_an_error_of_a_route_is_answered_with_its_message() -> None:
    async with serving(routes=lambda server: server.add_routes(ROUTES)) as place:
        status, body = await ask(place, "GET", "/complain")
    error = {"code": "request", "message": "The frog is green, expected brown.", "field": "color"}
    assert (status, body) == (400, {"error": error})


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    (folder / "css").mkdir(parents=True)
    (folder / "index.html").write_text("<p>pond</p>", encoding="utf-8")
    (folder / "css" / "pond.css").write_text("p {}", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


def with_pages(folder: Path, needs: Right | None = Right.LISTEN) -> Any:
    def add(server: Server) -> None:
        server.add_static("/pages/", folder, needs=needs)

    return add


async def test_static_files_are_refused_without_the_token(pages: Path) -> None:
    async with serving(settings=CLOSED, routes=with_pages(pages)) as place:
        assert await ask(place, "GET", "/pages/index.html") == (401, REFUSED)


async def test_static_files_are_served_with_their_type(pages: Path) -> None:
    async with (
        serving(settings=CLOSED, routes=with_pages(pages)) as place,
        aiohttp.ClientSession(headers=BEARER) as http,
        http.get(f"{place.url}/pages/css/pond.css") as answer,
    ):
        assert (answer.status, answer.content_type, await answer.text()) == (200, "text/css", "p {}")


@pytest.mark.parametrize("name", ["no", "..%2fsecret.txt", "css/..%2f..%2fsecret.txt", "link.txt", "css", "a%00b"])
async def test_nothing_but_the_files_of_the_folder_is_served(pages: Path, name: str) -> None:
    async with (
        serving(routes=with_pages(pages, needs=None)) as place,
        aiohttp.ClientSession() as http,
        http.get(URL(f"{place.url}/pages/{name}", encoded=True)) as answer,
    ):
        assert answer.status == 404


def by_cookie(credentials: Credentials) -> Identity | None:
    """Sessions of logged-in users, as a console would have them."""
    if credentials.cookies.get("session") != "of-ann":
        return None
    return Identity("ann", frozenset({Right.LISTEN}))


async def test_another_way_to_authenticate_opens_a_route() -> None:
    async with serving(
        settings=CLOSED, authenticators=[by_cookie], routes=lambda server: server.add_routes(ROUTES)
    ) as place:
        answer = await ask(place, "GET", "/look", headers={"Cookie": "session=of-ann"})
    assert answer == (200, {"name": "ann", "token": False})


async def test_another_way_to_authenticate_gives_no_other_right() -> None:
    async with serving(
        settings=CLOSED, authenticators=[by_cookie], routes=lambda server: server.add_routes(ROUTES)
    ) as place:
        assert await ask(place, "POST", "/act", headers={"Cookie": "session=of-ann"}) == (401, REFUSED)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_another_way_to_authenticate_opens_a_socket(transport: str) -> None:
    async with (
        serving(settings=CLOSED, authenticators=[by_cookie]) as place,
        client(place, transport=transport, headers={"Cookie": "session=of-ann"}) as io,
    ):
        assert (await io.call("read", 1))["ok"]
        assert not (await io.call("change", 1))["ok"]


async def test_a_way_to_authenticate_that_fails_proves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(credentials: Credentials) -> Identity | None:
        raise ValueError("no database")

    with caplog.at_level(logging.ERROR):
        async with serving(
            settings=CLOSED, authenticators=[broken, by_cookie], routes=lambda server: server.add_routes(ROUTES)
        ) as place:
            assert await ask(place, "GET", "/look") == (401, REFUSED)
            assert (await ask(place, "GET", "/look", headers={"Cookie": "session=of-ann"}))[0] == 200
    assert "no database" in caplog.text
