"""A client of hypermedia in HAL+JSON: resources that name their links by relations.

Format: https://datatracker.ietf.org/doc/html/draft-kelly-json-hal
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from analyzer.sinks.posting import require_success
from tidzam.spool.delivery import DeliveryError

_GONE: Final = frozenset({404, 410})


class ResourceGoneError(DeliveryError):
    """There is no resource at an address, any longer."""


@dataclass(frozen=True)
class HalLink:
    """A link to a resource, with its title if the server states one."""

    url: URL
    title: str = ""


@dataclass(frozen=True)
class HalResource:
    """A resource: its address and its content."""

    url: URL
    content: Mapping[str, Any]

    def link(self, relation: str) -> HalLink | None:
        """The link of a relation, the first one if there are several; None if there is none."""
        return next(iter(self.links(relation)), None)

    def require(self, relation: str) -> HalLink:
        """The link of a relation. Raises DeliveryError if there is none."""
        found = self.link(relation)
        if found is None:
            raise DeliveryError(f"{self.url} has no link {relation}: it is not what was expected there")
        return found

    def links(self, relation: str) -> Sequence[HalLink]:
        """All links of a relation. It may be written with its prefix or as the address that the prefix stands for."""
        given = self.content.get("_links")
        links: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        found = links.get(relation)
        if found is None:
            found = links.get(self._expanded(relation, links), ())
        entries = found if isinstance(found, list) else [found]
        return [
            HalLink(self.url.join(URL(entry["href"])), str(entry.get("title", "")))
            for entry in entries
            if isinstance(entry, Mapping) and isinstance(entry.get("href"), str)
        ]

    @staticmethod
    def _expanded(relation: str, links: Mapping[str, Any]) -> str:
        """A relation such as `ch:sites` in full (https://www.w3.org/TR/curie)."""
        prefix, colon, rest = relation.partition(":")
        curies = links.get("curies")
        for curie in curies if isinstance(curies, list) else ():
            if colon and isinstance(curie, Mapping) and curie.get("name") == prefix:
                return str(curie.get("href", "")).replace("{rel}", rest)
        return ""


class HalClient:
    """Reads and creates resources on the server of `entry`, with HTTP basic authentication if there is a `user`.

    The credentials are sent to this server only: a link that leads elsewhere is not followed. Where a server that is
    reached by https writes its links with http, as behind a proxy, https is used. `on_sent` is called with each request
    that has created something. All methods raise DeliveryError, aiohttp.ClientError and TimeoutError; of these,
    ResourceGoneError for the status 404 and RefusedError for 400.
    """

    def __init__(
        self,
        entry: URL,
        *,
        user: str,
        password: str,
        timeout_s: float,
        on_sent: Callable[[str], None] = lambda sent: None,
    ) -> None:
        self.entry, self._on_sent = entry, on_sent
        self._headers = {"Accept": "application/hal+json, application/json"}
        if user:
            self._headers["Authorization"] = aiohttp.encode_basic_auth(user, password)
        self._timeout = aiohttp.ClientTimeout(timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: URL) -> HalResource:
        """Read a resource."""
        return await self._request("GET", url)

    async def create(self, form: URL, value: object) -> HalResource:
        """Create what `value` describes, or several if it is a list. Returns what the server says about it."""
        created = await self._request("POST", form, data=json.dumps(value).encode())
        self._on_sent(f"POST {form} {json.dumps(value)}")
        return created

    async def pages(self, url: URL, *, limit: int) -> AsyncIterator[HalResource]:
        """The pages of a collection, at most `limit`."""
        seen: set[URL] = set()
        following: URL | None = url
        while following is not None and following not in seen and len(seen) < limit:
            seen.add(following)
            page = await self.get(following)
            yield page
            link = page.link("next")
            following = None if link is None else link.url

    async def _request(self, method: str, url: URL, data: bytes | None = None) -> HalResource:
        url = self.allowed(url)
        headers = {} if data is None else {"Content-Type": "application/json"}
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        async with self._session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
            if answer.status in _GONE:
                raise ResourceGoneError(f"{url.path} does not exist (status {answer.status})")
            await require_success(answer)
            try:
                content = json.loads(await answer.read() or b"{}")
            except ValueError:
                raise DeliveryError(f"{url.path} is not JSON") from None
        return HalResource(url, content if isinstance(content, Mapping) else {})

    def allowed(self, url: URL) -> URL:
        """The address by which a link is followed. Raises DeliveryError if it leads to another server."""
        if self.entry.scheme == "https" and url.scheme == "http" and url.host == self.entry.host:
            url = url.with_scheme("https").with_port(self.entry.port)
        if url.origin() != self.entry.origin():
            raise DeliveryError(f"a link leads to {url.origin()}, to which the password is not sent")
        return url

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
