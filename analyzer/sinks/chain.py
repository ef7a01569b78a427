"""The Chain API: what was heard, posted to a web address, hop by hop.

Each hop is one POST, with basic authentication if the address has a user, of a JSON list with an object a channel:

    [{"time": "2026-05-01T06:30:00.000000+00:00", "channel": "impoundment:out_0",
      "result": ["birds-warbler"], "predictions": {"birds": 0.98, "birds-warbler": 0.91}}]

`time` is the window's start, ISO 8601 in UTC; `predictions` are joint probabilities. Any answer of 200 to 299 will do.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from tidzam.addresses import scheme_of
from tidzam.errors import ConfigError
from tidzam.results import Analysis, AnalyzedBatch

log = logging.getLogger(__name__)

_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True)
class ChainAddress:
    """Where to post, and as whom. The password is in no repr."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> ChainAddress:
        """`user:password@url`, or a url alone; http:// unless it says otherwise.

        The password may hold any character, the url no @. Raises ConfigError, which does not repeat the text.
        """
        has_scheme = scheme_of(text) in ("http", "https")
        scheme, _, rest = text.partition("://") if has_scheme else ("http", "", text)
        login, at, address = rest.rpartition("@")
        user, _, password = login.partition(":")
        url = address if "://" in address else f"{scheme}://{address}"
        if not _is_web_address(url) or (at and not user):
            raise ConfigError(
                "The address given with --chainAPI cannot be used.",
                hint="Write it as user:password@http://host:port/path.",
                code="chain_address",
                field="chainAPI",
            )
        return cls(url, user, password)

    @property
    def headers(self) -> dict[str, str]:
        """What says who posts."""
        return {"Authorization": aiohttp.encode_basic_auth(self.user, self.password)} if self.user else {}


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # what should be a port is no number
        return False


class ChainApi:
    """Posts hops. One that is not taken is lost and counted; trouble is logged as it begins and as it ends."""

    def __init__(self, address: ChainAddress, *, timeout_s: float = _TIMEOUT_S) -> None:
        self.failed = 0
        self._address = address
        self._timeout = aiohttp.ClientTimeout(timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._trouble = False

    async def deliver(self, hop: AnalyzedBatch) -> None:
        """Post what was heard in `hop`. Returns once it was taken or lost, after five seconds at most."""
        if not hop.analyses:
            return
        try:
            await self._post([observation(analysis) for analysis in hop.analyses])
        except (aiohttp.ClientError, TimeoutError) as error:
            self.failed += 1
            if not self._trouble:
                log.error("%s takes nothing: %s. It is tried again with each hop", self._address.url, _reason(error))
            self._trouble = True
            return
        if self._trouble:
            log.info("%s takes what is heard again; %d hops were lost so far", self._address.url, self.failed)
        self._trouble = False

    async def _post(self, observations: list[dict[str, Any]]) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._address.headers, timeout=self._timeout)
        async with self._session.post(self._address.url, json=observations, allow_redirects=False) as answer:
            if not 200 <= answer.status < 300:
                raise aiohttp.ClientError(f"it answers {answer.status} {answer.reason}")

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()


def observation(analysis: Analysis) -> dict[str, Any]:
    """What was heard in one window, as it is posted."""
    return {
        "time": analysis.start.isoformat(timespec="microseconds"),
        "channel": analysis.channel,
        "result": list(analysis.result),
        "predictions": {label: round(value, 4) for label, value in analysis.probabilities.items()},
    }


def _reason(error: Exception) -> str:
    return str(error) or "no answer in time"
