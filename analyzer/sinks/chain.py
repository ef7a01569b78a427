"""The Chain API: results posted to a web address, batch by batch.

Each batch is one POST, with basic authentication if a user is set, of a JSON list with one object per channel:

    [{"time": "2026-05-01T06:30:00.000000+00:00", "channel": "impoundment:out_0",
      "result": ["birds-warbler"], "predictions": {"birds": 0.98, "birds-warbler": 0.91}}]

`time` is the window's start, ISO 8601 in UTC; `predictions` are joint probabilities. Any status from 200 to 299 counts
as success.
"""

from __future__ import annotations

from typing import Any, ClassVar

import aiohttp
from pydantic import SecretStr

from analyzer.sinks.base import SinkContext
from tidzam.addresses import scheme_of
from tidzam.config.sinks import ChainSinkSettings, SinkSettings
from tidzam.errors import ConfigError, TidzamError
from tidzam.results import Analysis, AnalyzedBatch


def parse_chain_address(text: str) -> ChainSinkSettings:
    """The settings of `user:password@url`, or of a url alone; http:// if no scheme is given.

    The password may hold any character, the url no @. Raises ConfigError, which does not repeat the text.
    """
    has_scheme = scheme_of(text) in ("http", "https")
    scheme, _, rest = text.partition("://") if has_scheme else ("http", "", text)
    login, at, address = rest.rpartition("@")
    user, _, password = login.partition(":")
    url = address if "://" in address else f"{scheme}://{address}"
    try:
        if at and not user:
            raise ValueError("no user")
        return ChainSinkSettings(url=url, user=user, password=SecretStr(password))
    except ValueError:  # also pydantic's ValidationError, which would repeat the text
        raise ConfigError(
            "The address given with --chainAPI cannot be used.",
            hint="Write it as user:password@http://host:port/path.",
            code="chain_address",
            field="chainAPI",
        ) from None


class ChainSink:
    """Posts each batch. A batch that is not accepted is lost."""

    settings_model: ClassVar[type[SinkSettings]] = ChainSinkSettings

    def __init__(self, settings: ChainSinkSettings, context: SinkContext) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Connections are made with the first post."""
        settings, headers = self._settings, {}
        if settings.user:
            headers["Authorization"] = aiohttp.encode_basic_auth(settings.user, settings.password.get_secret_value())
        self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(settings.timeout_s))

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Post the analyses of a batch. Raises TidzamError (`chain`) if they are not accepted in time."""
        if not analyzed.analyses:
            return
        try:
            await self._post([observation(analysis) for analysis in analyzed.analyses])
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TidzamError(
                f"{self._settings.url} does not accept results: {str(error) or 'no answer in time'}.",
                hint="Check the address, the user and the server.",
                code="chain",
            ) from None

    async def _post(self, observations: list[dict[str, Any]]) -> None:
        assert self._session is not None
        async with self._session.post(self._settings.url, json=observations, allow_redirects=False) as answer:
            if not 200 <= answer.status < 300:
                raise aiohttp.ClientError(f"status {answer.status} {answer.reason}")

    async def close(self) -> None:
        """Close the connections."""
        assert self._session is not None
        await self._session.close()


def observation(analysis: Analysis) -> dict[str, Any]:
    """The result of one window as it is posted."""
    return {
        "time": analysis.start.isoformat(timespec="microseconds"),
        "channel": analysis.channel,
        "result": list(analysis.result),
        "predictions": {label: round(value, 4) for label, value in analysis.probabilities.items()},
    }
