"""Roles and routes: who may call what, as a table that names every route, tested whole."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from console.web.permissions import route_permissions
from tests.support.console import ConsoleUnderTest, console_under_test
from tidzam.accounts.roles import PERMISSIONS, Permission, Role

PUBLIC = None
VIEW, ACCOUNT, ADMINISTER = Permission.VIEW, Permission.ACCOUNT, Permission.ADMINISTER
ANNOTATE, MANAGE, FORWARD = Permission.ANNOTATE, Permission.MANAGE, Permission.FORWARD

ROUTES: dict[tuple[str, str], Permission | None] = {
    ("GET", "/login"): PUBLIC,
    ("POST", "/login"): PUBLIC,
    ("POST", "/logout"): ACCOUNT,
    ("GET", "/openid/login"): PUBLIC,
    ("GET", "/openid/callback"): PUBLIC,
    ("GET", "/"): VIEW,
    ("GET", "/now/channels"): VIEW,
    ("GET", "/now/hours"): VIEW,
    ("GET", "/api/v1/listen/{mount}"): VIEW,
    ("GET", "/node"): VIEW,
    ("GET", "/node/state"): VIEW,
    ("GET", "/detections"): VIEW,
    ("GET", "/detections/charts"): VIEW,
    ("GET", "/detections/ebird"): VIEW,
    ("GET", "/detections/rows"): VIEW,
    ("GET", "/detections/{detection_id}/panel"): VIEW,
    ("GET", "/annotate"): VIEW,
    ("GET", "/annotate/tags"): VIEW,
    ("POST", "/annotate/tags/rename"): ANNOTATE,
    ("POST", "/annotate/tags/remove"): ANNOTATE,
    ("GET", "/species"): VIEW,
    ("GET", "/search"): VIEW,
    ("GET", "/label"): ANNOTATE,
    ("GET", "/novelty"): VIEW,
    ("GET", "/novelty/state"): VIEW,
    ("GET", "/novelty/sounds"): VIEW,
    ("POST", "/novelty/name"): ANNOTATE,
    ("POST", "/novelty/dismiss"): ANNOTATE,
    ("POST", "/novelty/restore"): ANNOTATE,
    ("POST", "/species/rule"): MANAGE,
    ("POST", "/species/remove"): MANAGE,
    ("GET", "/activity"): VIEW,
    ("POST", "/activity/prior"): MANAGE,
    ("GET", "/models"): VIEW,
    ("GET", "/models/{name}"): VIEW,
    ("GET", "/models/{name}/evaluation"): VIEW,
    ("GET", "/models/{name}/cell"): VIEW,
    ("POST", "/models/{name}/thresholds"): MANAGE,
    ("POST", "/models/{name}/remove"): MANAGE,
    ("GET", "/classifiers/state"): VIEW,
    ("POST", "/classifiers/shadow"): MANAGE,
    ("POST", "/classifiers/shadow/end"): MANAGE,
    ("POST", "/classifiers/promote"): MANAGE,
    ("POST", "/classifiers/roll-back"): MANAGE,
    ("GET", "/api/v1/models"): VIEW,
    ("GET", "/api/v1/models/{name}"): VIEW,
    ("DELETE", "/api/v1/models/{name}"): MANAGE,
    ("GET", "/api/v1/models/{name}/evaluation"): VIEW,
    ("PUT", "/api/v1/models/{name}/thresholds"): MANAGE,
    ("GET", "/api/v1/models/{name}/pictures/{picture}"): VIEW,
    ("GET", "/api/v1/models/{name}/windows/{number}/sound"): VIEW,
    ("GET", "/api/v1/classifiers"): VIEW,
    ("PUT", "/api/v1/classifiers/shadow"): MANAGE,
    ("DELETE", "/api/v1/classifiers/shadow"): MANAGE,
    ("POST", "/api/v1/classifiers/promote"): MANAGE,
    ("POST", "/api/v1/classifiers/roll-back"): MANAGE,
    ("GET", "/node/logs"): MANAGE,
    ("GET", "/node/disk"): MANAGE,
    ("GET", "/node/backups"): MANAGE,
    ("POST", "/node/backups"): MANAGE,
    ("POST", "/node/backups/{name}/verify"): MANAGE,
    ("GET", "/node/versions"): MANAGE,
    ("GET", "/microphone"): MANAGE,
    ("GET", "/sources"): VIEW,
    ("POST", "/sources"): MANAGE,
    ("GET", "/sources/{name}"): VIEW,
    ("POST", "/sources/{name}"): MANAGE,
    ("POST", "/sources/{name}/remove"): MANAGE,
    ("POST", "/sources/{name}/reload"): MANAGE,
    ("POST", "/sources/{name}/recording"): MANAGE,
    ("GET", "/account"): ACCOUNT,
    ("POST", "/account/password"): ACCOUNT,
    ("POST", "/account/sessions/{session_id}/end"): ACCOUNT,
    ("POST", "/account/tokens"): ACCOUNT,
    ("POST", "/account/tokens/{token_id}/remove"): ACCOUNT,
    ("GET", "/users"): ADMINISTER,
    ("POST", "/users"): ADMINISTER,
    ("POST", "/users/{name}/password"): ADMINISTER,
    ("POST", "/users/{name}/role"): ADMINISTER,
    ("POST", "/users/{name}/remove"): ADMINISTER,
    ("GET", "/audit"): ADMINISTER,
    ("GET", "/api/docs"): VIEW,
    ("GET", "/api/openapi.json"): VIEW,
    ("GET", "/api/v1/session"): PUBLIC,
    ("POST", "/api/v1/session"): PUBLIC,
    ("DELETE", "/api/v1/session"): ACCOUNT,
    ("GET", "/api/v1/node"): VIEW,
    ("GET", "/api/v1/live"): VIEW,
    ("GET", "/api/v1/live/events"): VIEW,
    ("GET", "/api/v1/live/hours"): VIEW,
    ("GET", "/api/v1/node/logs"): MANAGE,
    ("GET", "/api/v1/node/logs/{program}"): MANAGE,
    ("GET", "/api/v1/node/logs/{program}/file"): MANAGE,
    ("GET", "/api/v1/node/disk"): MANAGE,
    ("GET", "/api/v1/backups"): MANAGE,
    ("POST", "/api/v1/backups"): MANAGE,
    ("POST", "/api/v1/backups/{name}/verify"): MANAGE,
    ("GET", "/api/v1/node/versions"): MANAGE,
    ("POST", "/api/v1/microphones"): MANAGE,
    ("POST", "/api/v1/microphones/{id}/audio"): MANAGE,
    ("DELETE", "/api/v1/microphones/{id}"): MANAGE,
    ("GET", "/api/v1/sources"): VIEW,
    ("POST", "/api/v1/sources"): MANAGE,
    ("POST", "/api/v1/sources/test"): MANAGE,
    ("GET", "/api/v1/heard"): VIEW,
    ("GET", "/api/v1/gaps"): VIEW,
    ("GET", "/api/v1/sources/{name}"): VIEW,
    ("PUT", "/api/v1/sources/{name}"): MANAGE,
    ("DELETE", "/api/v1/sources/{name}"): MANAGE,
    ("GET", "/api/v1/sources/{name}/transitions"): VIEW,
    ("POST", "/api/v1/sources/{name}/reload"): MANAGE,
    ("PUT", "/api/v1/sources/{name}/recording"): MANAGE,
    ("GET", "/api/v1/sound"): VIEW,
    ("GET", "/api/v1/sound/peaks"): VIEW,
    ("GET", "/api/v1/detections/{detection_id}/sound"): VIEW,
    ("GET", "/api/v1/detections"): VIEW,
    ("GET", "/api/v1/detections/days"): VIEW,
    ("GET", "/api/v1/detections/hours"): VIEW,
    ("GET", "/api/v1/detections/choices"): VIEW,
    ("GET", "/api/v1/detections/ebird"): VIEW,
    ("GET", "/api/v1/detections/export"): VIEW,
    ("POST", "/api/v1/detections/verdicts"): ANNOTATE,
    ("POST", "/api/v1/detections/stars"): ANNOTATE,
    ("GET", "/api/v1/detections/{id}"): VIEW,
    ("POST", "/api/v1/detections/{id}/annotation"): ANNOTATE,
    ("GET", "/api/v1/classes"): VIEW,
    ("GET", "/api/v1/activity"): VIEW,
    ("GET", "/api/v1/activity/prior"): VIEW,
    ("POST", "/api/v1/activity/prior"): MANAGE,
    ("GET", "/api/v1/classes/rules"): VIEW,
    ("PUT", "/api/v1/classes/rules"): MANAGE,
    ("POST", "/api/v1/classes/remove"): MANAGE,
    ("GET", "/api/v1/jobs"): VIEW,
    ("GET", "/api/v1/jobs/{id}"): VIEW,
    ("GET", "/api/v1/jobs/{id}/log"): MANAGE,
    ("POST", "/api/v1/jobs/{id}/cancel"): MANAGE,
    ("GET", "/api/v1/search"): VIEW,
    ("GET", "/api/v1/search/index"): VIEW,
    ("GET", "/api/v1/search/next"): VIEW,
    ("GET", "/api/v1/novelty"): VIEW,
    ("POST", "/api/v1/novelty/name"): ANNOTATE,
    ("POST", "/api/v1/novelty/dismiss"): ANNOTATE,
    ("POST", "/api/v1/novelty/restore"): ANNOTATE,
    ("GET", "/api/v1/recognizers/choices"): MANAGE,
    ("POST", "/api/v1/recognizers/plan"): MANAGE,
    ("POST", "/api/v1/recognizers"): MANAGE,
    ("POST", "/api/v1/datasets"): MANAGE,
    ("GET", "/api/v1/trainings/choices"): MANAGE,
    ("POST", "/api/v1/trainings"): MANAGE,
    ("GET", "/models/build"): MANAGE,
    ("GET", "/api/v1/annotations"): VIEW,
    ("POST", "/api/v1/annotations"): ANNOTATE,
    ("GET", "/api/v1/annotations/counts"): VIEW,
    ("GET", "/api/v1/annotations/export"): VIEW,
    ("POST", "/api/v1/annotations/import"): ANNOTATE,
    ("PATCH", "/api/v1/annotations/{id}"): ANNOTATE,
    ("DELETE", "/api/v1/annotations/{id}"): ANNOTATE,
    ("GET", "/api/v1/segments"): VIEW,
    ("GET", "/api/v1/segments/days"): VIEW,
    ("GET", "/api/v1/tags"): VIEW,
    ("POST", "/api/v1/tags"): ANNOTATE,
    ("PATCH", "/api/v1/tags/{name}"): ANNOTATE,
    ("DELETE", "/api/v1/tags/{name}"): ANNOTATE,
    ("POST", "/api/v1/account/password"): ACCOUNT,
    ("GET", "/api/v1/account/sessions"): ACCOUNT,
    ("DELETE", "/api/v1/account/sessions/{id}"): ACCOUNT,
    ("GET", "/api/v1/account/tokens"): ACCOUNT,
    ("POST", "/api/v1/account/tokens"): ACCOUNT,
    ("DELETE", "/api/v1/account/tokens/{id}"): ACCOUNT,
    ("GET", "/api/v1/users"): ADMINISTER,
    ("POST", "/api/v1/users"): ADMINISTER,
    ("PATCH", "/api/v1/users/{name}"): ADMINISTER,
    ("DELETE", "/api/v1/users/{name}"): ADMINISTER,
    ("GET", "/api/v1/audit"): ADMINISTER,
    ("POST", "/api/v1/forward/records"): FORWARD,
    ("OPTIONS", "/api/v1/forward/clips"): FORWARD,
    ("POST", "/api/v1/forward/clips"): FORWARD,
    ("GET", "/api/v1/forward/clips/{id}"): FORWARD,
    ("PATCH", "/api/v1/forward/clips/{id}"): FORWARD,
    ("DELETE", "/api/v1/forward/clips/{id}"): FORWARD,
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/static/{name:path}"): PUBLIC,
}
"""What each route requires. A new route is added here."""

REFUSED = (401, 403)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleUnderTest]:
    with console_under_test(tmp_path_factory.mktemp("routes")) as console:
        yield console


@pytest.fixture(scope="module")
def clients(shared: ConsoleUnderTest) -> dict[Role | None, TestClient]:
    """A client per role, and one that is not logged in."""
    return {None: shared.client(), **{role: shared.logged_in(role.value) for role in Role}}


def test_the_table_names_every_route_with_what_it_requires(console: ConsoleUnderTest) -> None:
    assert route_permissions(console.app.routes) == ROUTES


def test_a_route_that_states_no_permission_is_not_served() -> None:
    app = FastAPI(openapi_url=None)
    router = APIRouter(prefix="/inner")
    router.get("/forgotten")(lambda: "secret")
    app.include_router(router)
    with pytest.raises(LookupError, match="/forgotten states no permission"):
        route_permissions(app.routes)


VALUES = {
    "{name:path}": "none.css",
    "{name}": "nobody",
    "{program}": "nothing",
    "{session_id}": "0",
    "{token_id}": "0",
    "{id}": "0",
    "{mount}": "none.ogg",
    "{number}": "0",
    "{picture}": "roc.png",
}
"""Values for paths. Nothing has them, so that no call changes anything."""


def called(path: str) -> str:
    for placeholder, value in VALUES.items():
        path = path.replace(placeholder, value)
    return path


@pytest.mark.parametrize(("route", "role"), list(product(ROUTES, [None, *Role])), ids=str)
def test_a_route_serves_those_who_may(
    shared: ConsoleUnderTest, clients: dict[Role | None, TestClient], route: tuple[str, str], role: Role | None
) -> None:
    method, path = route
    ends_session = route in (("POST", "/logout"), ("DELETE", "/api/v1/session"))
    client = shared.logged_in(role.value) if ends_session and role else clients[role]
    needed = ROUTES[route]
    response = client.request(method, called(path))
    is_refused = response.status_code in REFUSED or "/login?" in response.headers.get("Location", "")
    is_wrong_password = route[1] in ("/login", "/api/v1/session", "/account/password", "/api/v1/account/password")
    may = needed is None or (role is not None and needed in PERMISSIONS[role])
    assert is_refused is not may or (may and is_wrong_password)


def test_a_refusal_says_what_is_wrong(clients: dict[Role | None, TestClient]) -> None:
    refused = clients[Role.VIEWER].get("/api/v1/users")
    assert refused.status_code == 403
    assert refused.json()["error"] == {
        "code": "forbidden",
        "message": "You may not do this. Ask an admin for another role.",
        "field": None,
    }


def test_a_stranger_who_asks_for_a_page_gets_the_login_and_then_the_page(
    clients: dict[Role | None, TestClient],
) -> None:
    response = clients[None].get("/audit?before=7")
    assert (response.status_code, response.headers["Location"]) == (303, "/login?next=%2Faudit%3Fbefore%3D7")


@pytest.mark.parametrize("path", ["/detections/rows", "/detections/ebird", "/detections/charts", "/node/state"])
def test_a_stranger_who_asks_for_a_part_of_a_page_gets_no_login_inside_it(
    clients: dict[Role | None, TestClient], path: str
) -> None:
    response = clients[None].get(path, headers={"HX-Request": "true"})
    assert response.status_code == 401
    assert "<form" not in response.text


@pytest.mark.parametrize("role", Role)
def test_a_role_sees_only_pages_that_it_may_open(clients: dict[Role | None, TestClient], role: Role) -> None:
    page = clients[role].get("/").text
    shown = {path for path in ("/users", "/audit", "/account") if f'href="{path}"' in page}
    needed = {"/users": ADMINISTER, "/audit": ADMINISTER, "/account": ACCOUNT}
    assert shown == {path for path, permission in needed.items() if permission in PERMISSIONS[role]}


def test_anonymous_visitors_view_and_change_nothing_if_the_settings_say_so(tmp_path: Path) -> None:
    with console_under_test(tmp_path, anonymous=True) as console:
        client = console.client()
        codes = [client.get(path).status_code for path in ("/", "/api/v1/node", "/api/v1/account/tokens", "/users")]
    assert codes == [200, 200, 401, 303]
