"""The console on PostgreSQL: what it answers is what it answers on SQLite, and its pages are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tests.console.test_routes import ROUTES
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.postgresql import PASSWORD
from tests.support.store import KINDS, new_store
from tests.support.stored_detections import fill, fill_loaded
from tests.support.stored_recordings import recordings
from tidzam.store.records import GapRecord
from tidzam.store.writer import StoreWriter

DAYS = 20
PERIOD = "from=2026-04-20T00:00:00Z&to=2026-05-01T06:00:00Z"
ADDRESSES = (
    "/detections?limit=200",
    "/detections?class=birds&channel=pond:out_1&min_probability=0.8&day_part=dawn",
    "/detections?verdict=right",
    "/detections?starred=true",
    f"/detections?{PERIOD}",
    "/detections/days",
    "/detections/days?class=birds/wren&min_probability=0.7",
    "/detections/hours",
    "/detections/hours?class=frogs",
    "/detections/choices",
    "/detections/export?format=csv",
    "/detections/export?format=raven&first_day=2026-04-20",
    "/classes",
    "/classes?first_day=2026-04-10&last_day=2026-04-20",
    "/activity",
    "/activity?data=annotations",
    "/activity?first_day=2026-04-20&last_day=2026-04-30",
    "/heard?first_day=2026-04-20&last_day=2026-05-01",
    "/gaps?day=2026-04-30",
    "/live/hours",
    "/segments/days?channel=pond:out_0",
    "/segments?channel=pond:out_0&day=2026-04-29",
    "/annotations?channel=pond:out_0",
    "/annotations/counts?channel=pond:out_0",
    "/annotations/export?format=csv&channel=pond:out_0",
    "/tags",
    "/recognizers/choices",
    "/jobs",
    "/users",
    "/audit",
    "/account/tokens",
)
"""Requests that read the store, below `/api/v1`."""
QUERIES = {"/novelty/sounds": "?of=1"}
"""What parts of pages need in their address."""
PAGES = tuple(path for method, path in ROUTES if method == "GET" and "{" not in path and "/api/" not in path)


def fill_with_all(console: ConsoleUnderTest) -> None:
    """Give a console detections, recordings and gaps, and do what people do."""
    now = console.clock()
    fill(console.store, days=DAYS, last=now)
    fill_loaded(console.store, days=DAYS, last=now)
    StoreWriter(console.store).write(list(recordings("garden", "pond", days=DAYS, last=now)))
    gap = {"node": "garden", "channel": "pond:out_0", "reason": "xrun"}
    starts = [now - timedelta(hours=7 * number) for number in range(1, 40)]
    StoreWriter(console.store).write(
        [GapRecord(**gap, start=start, end=start + timedelta(minutes=3)) for start in starts]
    )
    client = console.logged_in("admin")
    found = [one["id"] for one in client.get("/api/v1/detections?limit=20").json()["detections"]]
    sent: list[tuple[str, dict[str, Any]]] = [
        ("/detections/verdicts", {"ids": found[:5], "verdict": "right"}),
        ("/detections/verdicts", {"ids": found[5:7], "verdict": "wrong"}),
        ("/detections/stars", {"ids": found[2:4], "starred": True}),
        *(("/annotations", annotation(now - timedelta(days=number))) for number in range(1, 10)),
        ("/account/tokens", {"name": "chart", "scopes": ["view"], "days": 30}),
    ]
    for path, body in sent:
        response = client.post(f"/api/v1{path}", json=body)
        assert response.status_code < 300, (path, response.text)


def annotation(start: Any) -> dict[str, Any]:
    times = {"start": start.isoformat(), "end": (start + timedelta(seconds=2)).isoformat()}
    return {"channel": "pond:out_0", "tag": "wren", "low_hz": 2000, "high_hz": 6000, **times}


@pytest.fixture(scope="module")
def consoles(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[TestClient]]:
    """An admin's client of a console on SQLite, and one of a console on PostgreSQL, with the same in their stores."""
    with ExitStack() as stack:
        clients = []
        for kind in KINDS:
            url = new_store(kind, request.config).url
            store = {"url": url, "password": PASSWORD} if url else {}
            profile = {"store": store, "node": {"name": "garden"}}
            console = stack.enter_context(console_with_profile(tmp_path_factory.mktemp(kind), profile))
            fill_with_all(console)
            clients.append(console.logged_in("admin"))
        yield clients


@pytest.mark.parametrize("address", ADDRESSES)
def test_both_databases_give_the_same_answer(consoles: list[TestClient], address: str) -> None:
    on_sqlite, on_postgresql = (client.get(f"/api/v1{quote(address, safe='/?=&:')}") for client in consoles)
    assert on_sqlite.status_code == 200, on_sqlite.text
    assert answer_of(on_postgresql) == answer_of(on_sqlite)


def answer_of(response: Response) -> Any:
    return response.json() if "json" in response.headers["Content-Type"] else response.text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_shown(consoles: list[TestClient], path: str) -> None:
    assert consoles[1].get(path + QUERIES.get(path, "")).status_code in (200, 303, 404)
