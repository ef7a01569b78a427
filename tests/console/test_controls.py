"""What pages offer a role: every link, form and button leads to a route that the role may call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.console.test_routes import ROUTES
from tests.support.console import ConsoleUnderTest
from tests.support.console_server import serving_console
from tests.support.recognizers import copy_recognizer
from tests.support.store_records import detection
from tests.support.stored_detections import fill
from tidzam.accounts.roles import PERMISSIONS, Role
from tidzam.store.writer import StoreWriter

PAGES = (
    *("/", "/detections", "/species", "/activity", "/annotate", "/annotate/tags", "/search", "/label", "/novelty"),
    *("/models", "/models/calls", "/models/build", "/sources", "/sources/wetland", "/microphone"),
    *("/node", "/node/logs", "/node/disk", "/node/backups", "/node/versions"),
    *("/users", "/audit", "/account", "/api/docs"),
)
NOT_OFFERED = {
    ("POST", "/login"),
    ("POST", "/account/sessions/{session_id}/end"),
    ("POST", "/account/tokens/{token_id}/remove"),
    ("POST", "/classifiers/roll-back"),
    ("POST", "/classifiers/shadow/end"),
    ("POST", "/node/backups"),
    ("POST", "/novelty/name"),
    ("POST", "/novelty/restore"),
    ("POST", "/node/backups/{name}/verify"),
    ("POST", "/sources/{name}/recording"),
    ("POST", "/sources/{name}/reload"),
}
"""Forms that this console does not show: nothing was promoted or changed in it, and it has no folder for backups and no
sound to name."""
REQUESTS = {"href": "GET", "hx-get": "GET", "hx-post": "POST", "hx-put": "PUT", "hx-delete": "DELETE"}
"""Attributes that name what is requested, with the method."""

Request = tuple[str, str]
"""A method and a path."""


class Controls(HTMLParser):
    """Collects what the links, forms and buttons of a page request."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[Request] = set()
        self._method = "GET"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self._method = (values.get("method") or "get").upper()
            self._add(self._method, values.get("action"))
        self._add((values.get("formmethod") or self._method).upper(), values.get("formaction"))
        for name, method in REQUESTS.items():
            self._add(method, values.get(name))

    def _add(self, method: str, address: str | None) -> None:
        parts = urlsplit(address or "")
        if parts.path.startswith("/") and not parts.netloc:
            self.found.add((method, parts.path))


@cache
def pattern(path: str) -> re.Pattern[str]:
    """Matches the paths of a route."""
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path).replace(":path", "")))


def route(request: Request) -> Request:
    """The route that answers; a route without placeholders comes first."""
    method, path = request
    if request in ROUTES:
        return request
    fitting = [one for one in ROUTES if one[0] == method and pattern(one[1]).fullmatch(path)]
    assert fitting, f"nothing answers {method} {path}"
    return fitting[0]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, trained_home: Path) -> Iterator[ConsoleUnderTest]:
    home = tmp_path_factory.mktemp("controls")
    copy_recognizer(trained_home, home)
    with serving_console(home) as (address, console):
        fill(console.store, days=2, last=console.clock())
        StoreWriter(console.store).write([detection(node="marsh", path=("novel",))])
        console.logged_in("annotator", base=address).post("/api/v1/tags", json={"name": "wren"})
        yield console


@pytest.fixture(scope="module")
def offered(served: ConsoleUnderTest) -> dict[tuple[Role, str], set[Request]]:
    """The routes that each page offers each role; none if the role may not open it."""
    found: dict[tuple[Role, str], set[Request]] = {}
    for role in Role:
        client = served.logged_in(role.value, base=f"http://127.0.0.1:{served.runtime.settings.console.port}")
        for page in PAGES:
            response, controls = client.get(page), Controls()
            if response.status_code == 200:
                controls.feed(response.text)
            found[role, page] = {route(request) for request in controls.found if "/static/" not in request[1]}
    return found


@pytest.mark.parametrize(("role", "page"), list(product(Role, PAGES)), ids=str)
def test_a_page_offers_a_role_only_what_it_may_do(
    offered: dict[tuple[Role, str], set[Request]], role: Role, page: str
) -> None:
    needed = {one: ROUTES[one] for one in offered[role, page]}
    assert {one for one, permission in needed.items() if permission and permission not in PERMISSIONS[role]} == set()


def test_every_form_of_the_pages_is_offered_to_an_admin(offered: dict[tuple[Role, str], set[Request]]) -> None:
    shown = set().union(*(routes for (role, _), routes in offered.items() if role is Role.ADMIN))
    forms = {one for one in ROUTES if one[0] == "POST" and not one[1].startswith("/api/")}
    assert forms - shown == NOT_OFFERED
