"""The devices and sensors of a site of the Chain API, found by their links, or created.

    entry point ─ ch:sites ─► site ─ ch:devices ─► device ─ ch:sensors ─► sensor ─ ch:dataHistory ─► its values

Collections have pages (`next`), links to their members (`items`, with their names as titles) and, for whoever may add
to them, the link `createForm`. Source: https://github.com/ResEnv/chain-api
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from yarl import URL

from analyzer.sinks.hal import HalClient, HalResource
from tidzam.spool.delivery import RefusedError

UNIT: Final = "probability"
_MAX_PAGES: Final = 1000
_HISTORY_PAGES: Final = 20
_FROM, _BEFORE = "timestamp__gte", "timestamp__lt"
"""Parameters by which a server with pages of time names the range of a page, in seconds since 1970."""


@dataclass(frozen=True)
class ChainSensor:
    """Where the values of a sensor are read and added."""

    history: URL
    create: URL


class ChainSite:
    """Finds or creates what is named, and remembers the links. Raises the errors of HalClient.

    `position` is given to new devices and sites, as their property `geoLocation`.
    """

    def __init__(self, client: HalClient, name: str, position: Mapping[str, float] | None) -> None:
        self._client, self._name = client, name
        self._extra: Mapping[str, Any] = {} if position is None else {"geoLocation": dict(position)}
        self._site: HalResource | None = None
        self._devices: dict[str, URL] = {}
        self._sensors: dict[tuple[str, str], ChainSensor] = {}

    def forget(self) -> None:
        """Forget all links: something that they lead to was deleted."""
        self._site = None
        self._devices.clear()
        self._sensors.clear()

    async def sensor(self, device: str, metric: str) -> ChainSensor:
        """The sensor `metric` of the device of this name."""
        found = self._sensors.get((device, metric))
        if found is None:
            found = self._sensors[device, metric] = await self._find_sensor(device, metric)
        return found

    async def _find_sensor(self, device: str, metric: str) -> ChainSensor:
        owner = await self._client.get(await self._device(device))
        content = {"sensor-type": "scalar", "metric": metric, "unit": UNIT}
        url = await self._member(owner.require("ch:sensors").url, metric, "metric", content, {})
        sensor = await self._client.get(url)
        history = await self._client.get(sensor.require("ch:dataHistory").url)
        return ChainSensor(history.url, history.require("createForm").url)

    async def _device(self, name: str) -> URL:
        if name not in self._devices:
            devices = (await self._find_site()).require("ch:devices").url
            content = {"name": name, **self._extra}
            self._devices[name] = await self._member(devices, name, "name", content, self._devices)
        return self._devices[name]

    async def _find_site(self) -> HalResource:
        """The site at the entry point, or that of our name below it."""
        if self._site is None:
            entry = await self._client.get(self._client.entry)
            if entry.link("ch:devices") is None:
                sites = entry.require("ch:sites").url
                url = await self._member(sites, self._name, "name", {"name": self._name, **self._extra}, {})
                entry = await self._client.get(url)
            self._site = entry
        return self._site

    async def _member(
        self, collection: URL, name: str, field: str, content: Mapping[str, Any], found: dict[str, URL]
    ) -> URL:
        """The member of a collection whose `field` is `name`, created as `content` if there is none.

        The members that are seen on the way are added to `found`.
        """
        first = await self._scan(collection, field, found)
        if name in found:
            return found[name]
        try:
            created = await self._client.create(first.require("createForm").url, content)
        except RefusedError:  # perhaps since another node has created it meanwhile
            await self._scan(collection, field, found)
            if name not in found:
                raise
            return found[name]
        return created.require("self").url

    async def _scan(self, collection: URL, field: str, found: dict[str, URL]) -> HalResource:
        """Note the members of a collection by their names. Returns its first page."""
        first: HalResource | None = None
        async for page in self._client.pages(collection, limit=_MAX_PAGES):
            first = first or page
            for item in page.links("items"):
                title = item.title or str((await self._client.get(item.url)).content.get(field, ""))
                found.setdefault(title, item.url)
        assert first is not None
        return first

    async def times(self, sensor: ChainSensor, first: datetime, last: datetime) -> set[datetime]:
        """The times of the values that a sensor has from `first` to `last`, as far as its history can be searched."""
        page = await self._client.get(sensor.history)
        own = page.link("self")
        if own is not None and {_FROM, _BEFORE} <= own.url.query.keys():
            limits = {_FROM: str(int(first.timestamp())), _BEFORE: str(int(last.timestamp()) + 1)}
            return _times_of(await self._client.get(own.url.update_query(limits)))
        times: set[datetime] = set()
        for number in range(_HISTORY_PAGES):
            found = _times_of(page)
            times |= found
            link = page.link("previous")
            if link is None or number + 1 == _HISTORY_PAGES or (found and min(found) <= first):
                break
            page = await self._client.get(link.url)
        return times


def _times_of(page: HalResource) -> set[datetime]:
    """The times of the values on a page of a history."""
    values = page.content.get("data")
    return {
        _time(value["timestamp"])
        for value in (values if isinstance(values, list) else ())
        if isinstance(value, Mapping) and isinstance(value.get("timestamp"), str)
    }


def _time(text: str) -> datetime:
    """A time that states no zone is in UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
