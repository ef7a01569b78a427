"""Detections written to InfluxDB, or to a server that takes its line protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Final
from urllib.parse import urlencode

from analyzer.sinks.base import SinkContext
from analyzer.sinks.line_protocol import detection_line
from analyzer.sinks.posting import Post, PostReceiver
from analyzer.sinks.selection import covers
from tidzam.config.influx_sink import InfluxSinkSettings
from tidzam.config.secret import reveal
from tidzam.config.sink_base import SinkSettings
from tidzam.results import AnalyzedBatch
from tidzam.spool.spooled import SpooledDelivery

_POINTS: Final = 5000
"""Points in one request: the size that InfluxDB recommends."""


class InfluxSink:
    """A point per detection that ended. Points wait on disk until the server has accepted them.

    A point has the time and the tags of its detection, so that one that is sent again replaces itself.
    """

    settings_model: ClassVar[type[SinkSettings]] = InfluxSinkSettings

    def __init__(self, settings: InfluxSinkSettings, context: SinkContext) -> None:
        self._settings, self._node, self._token = settings, context.node, ""
        self._on_sent = context.on_sent
        identity = f"{settings.url} {settings.organization} {settings.bucket}"
        self._delivery = SpooledDelivery(
            settings, home=context.home, name="influxdb", identity=identity, file_lines=_POINTS
        )

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        return self._delivery.fault

    async def open(self) -> None:
        """Begin to send what waits. Raises ConfigError (`secret`) and TidzamError (`spool`)."""
        settings = self._settings
        self._token = await asyncio.to_thread(reveal, settings.token, "The token of the sink influxdb")
        query = urlencode({"org": settings.organization, "bucket": settings.bucket, "precision": "ns"})
        url = f"{settings.url.rstrip('/')}/api/v2/write?{query}"
        receiver = PostReceiver(
            url, self._compose, shown=settings.url, timeout_s=settings.timeout_s, on_sent=self._on_sent
        )
        await self._delivery.open(receiver, collect_s=settings.collect_s)

    def _compose(self, lines: Sequence[str]) -> Post:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if self._token:
            headers["Authorization"] = f"Token {self._token}"
        return Post("\n".join(lines).encode(), headers)

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Store the points of the detections that ended, to be sent. Raises TidzamError (`spool`)."""
        settings = self._settings
        ended = [one.detection for one in analyzed.detections if one.kind == "end" and covers(settings, one)]
        await self._delivery.put(
            [detection_line(found, node=self._node, measurement=settings.measurement) for found in ended]
        )

    async def close(self) -> None:
        """Send what can be sent. Raises TidzamError (`unsent`) if some results remain on disk."""
        await self._delivery.close()
