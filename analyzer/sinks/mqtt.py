"""Detections published to an MQTT broker.

Topics, below PREFIX/NODE: `detection` holds each event as JSON; `class/LABEL` is ON while a class is heard, then OFF;
`status` is `online` or, also when the analyzer was killed, `offline`.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any, ClassVar, Final

from analyzer.sinks.base import SinkContext
from analyzer.sinks.home_assistant import Topics, class_sensor, last_detection
from analyzer.sinks.optional import require_package
from analyzer.sinks.presence import Presence
from analyzer.sinks.selection import covers
from tidzam.config.mqtt_sink import MqttSinkSettings
from tidzam.config.secret import reveal
from tidzam.config.sink_base import SinkSettings
from tidzam.errors import TidzamError
from tidzam.protocol.analyzer import detection_event
from tidzam.results import AnalyzedBatch

_AT_LEAST_ONCE: Final = 1
_DECIDED_BY_THE_BROKER: Final = ""

Publication = tuple[str, str, bool]
"""Topic, payload, and whether the broker retains it."""


class MqttSink:
    """Publishes with quality of service 1: a batch is delivered when the broker has acknowledged its messages.

    Raises TidzamError (`mqtt`) if the broker is away, refuses the login or does not answer in time.
    """

    settings_model: ClassVar[type[SinkSettings]] = MqttSinkSettings

    def __init__(self, settings: MqttSinkSettings, context: SinkContext) -> None:
        """Raises SetupError if aiomqtt is not installed."""
        self._mqtt = require_package("aiomqtt", part="mqtt", sink="mqtt")
        self._settings, self._context = settings, context
        self._topics = Topics(settings.prefix, context.node)
        self._presence = Presence(forget_s=settings.off_delay_s)
        self._announced: set[str] = set()
        self._client: Any = None
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        """Connect, and announce the node. Raises also ConfigError (`secret`)."""
        self._client = self._make_client(*await asyncio.to_thread(self._read_files))
        try:
            await self._stack.enter_async_context(self._client)
        except BaseException as error:
            self._client._client.disconnect()  # aiomqtt keeps a connection that was not confirmed
            if isinstance(error, self._mqtt.MqttError):
                raise self._fault(error) from None
            raise
        self._announced.clear()  # the broker may have lost what it retained
        greeting = self._availability("online")
        if self._announces:
            greeting.append(_retained(*last_detection(self._topics, self._settings.discovery_prefix)))
        try:
            await self._publish(greeting)
        except BaseException:
            await self._disconnect()
            raise

    def _read_files(self) -> tuple[str, ssl.SSLContext | None]:
        return reveal(self._settings.password, "The password of the sink mqtt"), self._tls()

    def _make_client(self, password: str, tls: ssl.SSLContext | None) -> Any:
        settings = self._settings
        will = self._mqtt.Will(self._topics.availability, "offline", qos=_AT_LEAST_ONCE, retain=True)
        return self._mqtt.Client(
            settings.host,
            settings.broker_port,
            username=settings.user or None,
            password=password or None,
            identifier=_DECIDED_BY_THE_BROKER,
            will=None if self._context.is_example else will,
            tls_context=tls,
            timeout=settings.timeout_s,
        )

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
        """Publish the changes of detections that the settings ask for."""
        settings = self._settings
        changes = [change for change in analyzed.detections if covers(settings, change)]
        heard = self._presence.follow(changes)
        events = [detection_event(one, node=self._context.node) for one in changes if one.kind in settings.states]
        await self._publish(
            [
                *self._introductions(heard),
                *((self._topics.detection, event.model_dump_json(), False) for event in events),
                *self._presences(heard),
            ]
        )

    def _introductions(self, labels: Iterable[str]) -> list[Publication]:
        """The discovery messages of the classes that are heard for the first time."""
        settings = self._settings
        new = [label for label in labels if label not in self._announced] if self._announces else []
        self._announced.update(new)
        return [
            _retained(
                *class_sensor(
                    self._topics,
                    label,
                    discovery_prefix=settings.discovery_prefix,
                    off_delay_s=settings.off_delay_s,
                )
            )
            for label in new
        ]

    def _presences(self, heard: Mapping[str, bool]) -> list[Publication]:
        """ON expires in Home Assistant: retained, it would show a class again after a restart."""
        if self._context.is_example:
            return []
        return [(self._topics.presence(label), "ON" if on else "OFF", not on) for label, on in heard.items()]

    @property
    def _announces(self) -> bool:
        return self._settings.discovery and not self._context.is_example

    def _availability(self, state: str) -> list[Publication]:
        return [] if self._context.is_example else [(self._topics.availability, state, True)]

    async def _publish(self, publications: Iterable[Publication]) -> None:
        """Publish in this order, and wait for all acknowledgements together."""
        sending = [
            self._client.publish(topic, payload, qos=_AT_LEAST_ONCE, retain=retain)
            for topic, payload, retain in publications
        ]
        failures = [result for result in await asyncio.gather(*sending, return_exceptions=True) if result is not None]
        for failure in failures:
            raise self._fault(failure) if isinstance(failure, self._mqtt.MqttError) else failure

    async def close(self) -> None:
        """Say goodbye, and disconnect."""
        try:
            await self._publish(self._availability("offline"))
        finally:
            await self._disconnect()

    async def _disconnect(self) -> None:
        try:
            await self._stack.aclose()
        except self._mqtt.MqttError as error:
            raise self._fault(error) from None

    def _fault(self, error: BaseException) -> TidzamError:
        broker = f"{self._settings.host}:{self._settings.broker_port}"
        reason = str(error) or "no answer in time"
        return TidzamError(
            f"The MQTT broker {broker} does not accept results: {reason}.",
            hint="Check the address, the user and the broker.",
            code="mqtt",
        )


def _retained(topic: str, message: dict[str, Any]) -> Publication:
    return topic, json.dumps(message), True
