"""A server of the Chain API for tests: its resources, links, pages, constraints and refusals, on the loopback.

It follows the sources of https://github.com/ResEnv/chain-api: anybody may read, whoever changes something must log in;
devices have pages; the collection of sensors lists all of them on each page; a name is unique in its collection (status
400); a list of values is stored one by one; the pages of a history are spans of time.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

USER, PASSWORD = "me", "s:e@c/ret"
_CREDENTIALS = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_CURIES = [{"name": "ch", "href": "http://chain.example/rels/{rel}", "templated": True}]
_SPAN = timedelta(hours=6)


@dataclass
class ChainThing:
    """A site, device or sensor, with the number of what it belongs to."""

    kind: str
    content: dict[str, Any]
    parent: int = 0
    values: list[tuple[datetime, float]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.content["metric" if self.kind == "sensors" else "name"])


@dataclass
class ChainServer:
    """`statuses` are the answers to the next POST requests, then they are carried out. With `loses_answer`, one is
    carried out, and the connection is closed instead of an answer. `posts` and `reads` are the paths of all requests.
    Unless `history_by_time`, the pages of a history have `page_size` values, and the last one is the first to be seen.
    """

    now: datetime
    url: str = ""
    port: int = 0
    page_size: int = 2
    history_by_time: bool = True
    with_full_relations: bool = False
    things: dict[int, ChainThing] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    loses_answer: bool = False
    stores_at_most: int | None = None
    posts: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    logins: set[str | None] = field(default_factory=set)
    _count: int = 0

    def add(self, kind: str, content: dict[str, Any], parent: int = 0) -> int:
        """Add a site, device or sensor. Returns its number."""
        self._count += 1
        self.things[self._count] = ChainThing(kind, content, parent)
        return self._count

    def of(self, kind: str) -> list[ChainThing]:
        """All sites, devices or sensors."""
        return [thing for thing in self.things.values() if thing.kind == kind]

    def delete(self, kind: str, name: str) -> None:
        """Delete a device and its sensors, as an administrator does."""
        (number,) = [number for number, thing in self.things.items() if (thing.kind, thing.name) == (kind, name)]
        self.things = {key: one for key, one in self.things.items() if key != number and one.parent != number}

    def values(self, device: str, metric: str) -> list[tuple[datetime, float]]:
        """The values of a sensor; none if there is no such sensor."""
        return [
            value
            for sensor in self.of("sensors")
            if sensor.name == metric and self.things[sensor.parent].name == device
            for value in sensor.values
        ]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Handle a request."""
        self.logins.add(request.headers.get("Authorization"))
        kind, _, rest = request.path.strip("/").partition("/")
        if request.method == "GET":
            self.reads.append(request.path)
            return self._read(kind, rest, request.query)
        self.posts.append(request.path)
        status = self.statuses.pop(0) if self.statuses else 201
        if request.headers.get("Authorization") != _CREDENTIALS:
            status = 401
        if status != 201:
            return web.json_response({"status": status, "message": "the reason"}, status=status)
        answer = self._create(kind, request.query, json.loads(await request.text()))
        if self.loses_answer:
            self.loses_answer = False
            assert request.transport is not None
            request.transport.close()
        return answer

    def _read(self, kind: str, rest: str, query: Any) -> web.Response:
        if not kind:
            return self._resource({self._rel("sites"): {"href": "/sites/", "title": "Sites"}}, {})
        if rest:
            thing = self.things.get(int(rest))
            return web.Response(status=404) if thing is None else self._single(int(rest), thing)
        if kind == "scalar_data":
            sensor = self.things.get(int(query["sensor_id"]))
            return web.Response(status=404) if sensor is None else self._history_of(query, sensor)
        return self._list(kind, query)

    def _history_of(self, query: Any, sensor: ChainThing) -> web.Response:
        return self._history(query, sensor) if self.history_by_time else self._numbered_history(query, sensor)

    def _rel(self, name: str) -> str:
        return f"http://chain.example/rels/{name}" if self.with_full_relations else f"ch:{name}"

    def _resource(self, links: dict[str, Any], content: dict[str, Any], status: int = 200) -> web.Response:
        body = {"_links": {"curies": _CURIES, **links}, **content}
        return web.json_response(body, status=status, content_type="application/hal+json")

    def _single(self, number: int, thing: ChainThing, status: int = 200) -> web.Response:
        below = {
            "sites": {self._rel("devices"): {"href": f"/devices/?site_id={number}"}},
            "devices": {self._rel("sensors"): {"href": f"/sensors/?device_id={number}"}},
            "sensors": {self._rel("dataHistory"): {"href": f"/scalar_data/?sensor_id={number}"}},
        }[thing.kind]
        return self._resource({"self": {"href": f"/{thing.kind}/{number}"}, **below}, thing.content, status)

    def _list(self, kind: str, query: Any) -> web.Response:
        offset = int(query.get("offset", 0))
        parent = next((int(value) for key, value in query.items() if key.endswith("_id")), 0)
        filters = {key: value for key, value in query.items() if key.endswith("_id")}
        numbers = [key for key, one in self.things.items() if one.kind == kind and one.parent == parent]
        shown = numbers if kind == "sensors" else numbers[offset : offset + self.page_size]
        links: dict[str, Any] = {
            "createForm": {"href": str(URL(f"/{kind}/create").with_query(filters))},
            "items": [{"href": f"{self.url}/{kind}/{n}", "title": self.things[n].name} for n in shown],
        }
        if offset + self.page_size < len(numbers):
            following = {**filters, "offset": offset + self.page_size, "limit": self.page_size}
            links["next"] = {"href": str(URL(f"{self.url}/{kind}/").with_query(following))}
        return self._resource(links, {"totalCount": len(numbers)})

    def _numbered_history(self, query: Any, sensor: ChainThing) -> web.Response:
        """As servers had it before 2016."""
        size, count = self.page_size, len(sensor.values)
        offset = int(query.get("offset", max(0, count - size)))
        own = {"sensor_id": query["sensor_id"]}
        links = {
            "self": {"href": str(URL("/scalar_data/").with_query(own))},
            "createForm": {"href": str(URL("/scalar_data/create").with_query(own))},
        }
        if offset > 0:
            before = {**own, "offset": max(0, offset - size), "limit": size}
            links["previous"] = {"href": str(URL("/scalar_data/").with_query(before))}
        found = sorted(sensor.values)[offset : offset + size]
        return self._resource(links, {"data": [{"timestamp": time.isoformat(), "value": one} for time, one in found]})

    def _history(self, query: Any, sensor: ChainThing) -> web.Response:
        begin = datetime.fromtimestamp(float(query.get("timestamp__gte", (self.now - _SPAN).timestamp())), UTC)
        end = datetime.fromtimestamp(float(query.get("timestamp__lt", self.now.timestamp())), UTC)
        limits = {"sensor_id": query["sensor_id"]}
        span = {"timestamp__gte": int(begin.timestamp()), "timestamp__lt": int(end.timestamp())}
        links = {
            "self": {"href": str(URL("/scalar_data/").with_query({**limits, **span}))},
            "createForm": {"href": str(URL("/scalar_data/create").with_query(limits))},
        }
        found = [(time, value) for time, value in sensor.values if begin <= time < end]
        data = [{"timestamp": f"{time:%Y-%m-%dT%H:%M:%S.%f}Z", "value": value} for time, value in found]
        return self._resource(links, {"data": data})

    def _create(self, kind: str, query: Any, content: Any) -> web.Response:
        parent = next((int(value) for value in query.values()), 0)
        if parent and parent not in self.things:
            return web.Response(status=404)
        if kind == "scalar_data":
            for number, point in enumerate(content):
                if self.stores_at_most is not None and number >= self.stores_at_most:
                    self.stores_at_most = None
                    return web.Response(status=500)
                self.things[parent].values.append((_time(point["timestamp"]), float(point["value"])))
            return web.json_response(content, status=201)
        name = content["metric" if kind == "sensors" else "name"]
        if any((one.kind, one.parent, one.name) == (kind, parent, name) for one in self.things.values()):
            return web.json_response({"status": 400, "message": "a matching object already exists"}, status=400)
        number = self.add(kind, content, parent)
        return self._single(number, self.things[number], 201)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@asynccontextmanager
async def chain_server(now: datetime, port: int | None = None) -> AsyncIterator[ChainServer]:
    """A server on the loopback while the context is open. It is `now` for it."""
    server, app = ChainServer(now), web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(app, port=port) as running:
        server.url, server.port = str(running.make_url("/")).rstrip("/"), running.port or 0
        yield server
