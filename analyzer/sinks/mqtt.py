"""Detections published to an MQTT broker.

Topics, below PREFIX/NODE: `detection` holds each event as JSON; `class/LABEL` is ON while a class is heard, then OFF;
`status` is `online` or, also when the analyzer was killed, `offline`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import ClassVar, Final

from analyzer.sinks.base import SinkContext
from analyzer.sinks.home_assistant import Topics
from analyzer.sinks.mqtt_connection import MqttConnection
from analyzer.sinks.optional import require_package
from analyzer.sinks.presence import Presence
from analyzer.sinks.selection import covers
from tidzam.config.mqtt_sink import MqttSinkSettings
from tidzam.config.secret import reveal
from tidzam.config.sink_base import SinkSettings
from tidzam.errors import TidzamError
from tidzam.protocol.analyzer import detection_event
from tidzam.results import AnalyzedBatch
from tidzam.spool.spooled import SpooledDelivery

_EVENTS: Final = 100
"""Events in one file of the spool, and at most this many without an acknowledgement."""


class MqttSink:
    """Publishes with quality of service 1. Events wait on disk until the broker has acknowledged them."""

    settings_model: ClassVar[type[SinkSettings]] = MqttSinkSettings

    def __init__(self, settings: MqttSinkSettings, context: SinkContext) -> None:
        """Raises SetupError if aiomqtt is not installed."""
        self._mqtt = require_package("aiomqtt", part="mqtt", sink="mqtt")
        self._settings, self._context = settings, context
        self._topics = Topics(settings.prefix, context.node)
        self._presence = Presence(forget_s=settings.off_delay_s)
        self._connection: MqttConnection | None = None
        identity = f"{settings.host}:{settings.broker_port} {settings.user} {self._topics.base}"
        self._delivery = SpooledDelivery(
            settings, home=context.home, name="mqtt", identity=identity, file_lines=_EVENTS
        )

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        return self._delivery.fault

    async def open(self) -> None:
        """Begin to connect, and to send what waits.

        Raises ConfigError (`secret`), and TidzamError: `spool`, and `mqtt` for an unusable certificate.
        """
        password, tls = await asyncio.to_thread(self._read_files)
        self._connection = MqttConnection(
            self._mqtt,
            self._settings,
            self._topics,
            password=password,
            tls=tls,
            events_only=self._context.is_example or self._context.is_archive,
            on_lost=self._delivery.wake,
            on_sent=self._context.on_sent,
        )
        await self._delivery.open(self._connection)

    def _read_files(self) -> tuple[str, ssl.SSLContext | None]:
        return reveal(self._settings.password, "The password of the sink mqtt"), self._tls()

    def _tls(self) -> ssl.SSLContext | None:
        if not self._settings.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self._settings.ca_file)
        except OSError as error:
            reason = error.strerror or "it holds no certificate"
            raise TidzamError(
                f"{self._settings.ca_file} cannot be used: {reason}.", hint="Correct ca_file.", code="mqtt"
            ) from None

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Store the changes of detections that the settings ask for, to be published. Raises TidzamError (`spool`)."""
        assert self._connection is not None
        settings, node = self._settings, self._context.node
        changes = [change for change in analyzed.detections if covers(settings, change)]
        if changes:
            self._connection.set_states(self._presence.follow(changes))
            events = [detection_event(one, node=node) for one in changes if one.kind in settings.states]
            await self._delivery.put([event.model_dump_json() for event in events])
            self._delivery.wake()

    async def close(self) -> None:
        """Publish what can be published, and say goodbye. Raises TidzamError (`unsent`) if events remain on disk."""
        await self._delivery.close()
