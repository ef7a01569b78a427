"""The connection to an MQTT broker: kept, made again after it was lost, and announced while it lasts."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from analyzer.sinks.home_assistant import Topics, class_sensor, last_detection
from tidzam.config.mqtt_sink import MqttSinkSettings
from tidzam.spool.delivery import DeliveryError

_AT_LEAST_ONCE: Final = 1
_DECIDED_BY_THE_BROKER: Final = ""
_MOST_PENDING: Final = 1000
"""Messages that wait for an acknowledgement, above which aiomqtt warns: more than one file of the spool."""

Publication = tuple[str, str, bool]
"""Topic, payload, and whether the broker retains it."""


class MqttConnection:
    """Publishes events, which are the lines of a spool, and states, of which only the newest counts.

    All messages have quality of service 1. Events are published in their order, and are done when the broker has
    acknowledged them. A state that could not be published is replaced by the next one of its class; ON is forgotten
    after the time in which Home Assistant would show it. With `events_only`, only events are published. `mqtt` is the
    module aiomqtt. `on_lost` is called when the broker ends the connection, `on_sent` with each event.
    """

    def __init__(
        self,
        mqtt: Any,
        settings: MqttSinkSettings,
        topics: Topics,
        *,
        password: str = "",
        tls: ssl.SSLContext | None = None,
        events_only: bool = False,
        on_lost: Callable[[], None] = lambda: None,
        on_sent: Callable[[str], None] = lambda sent: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mqtt, self._settings, self._topics = mqtt, settings, topics
        self._password, self._tls, self._events_only = password, tls, events_only
        self._on_lost, self._on_sent, self._clock = on_lost, on_sent, clock
        self._client: Any = None
        self._announced: set[str] = set()
        self._states: dict[str, tuple[bool, float]] = {}

    @property
    def shown(self) -> str:
        return f"The MQTT broker {self._settings.host}:{self._settings.broker_port}"

    def set_states(self, heard: Mapping[str, bool]) -> None:
        """Classes, and whether each is heard, to be published with the next `connect`."""
        if not self._events_only:
            now = self._clock()
            self._states.update((label, (on, now)) for label, on in heard.items())

    async def connect(self) -> None:
        """Be connected and announced, and publish the states that have changed. Raises DeliveryError."""
        if self._client is not None and not self._client._client.is_connected():
            await self._drop()
        if self._client is None:
            self._client = await self._connected()
            self._announced.clear()  # the broker may have lost what it retained
            await self._publish(self._greeting())
        pending = dict(self._states)
        await self._publish([*self._introductions(pending), *self._presences(pending)])
        self._announced.update(pending)
        self._states = {label: state for label, state in self._states.items() if pending.get(label) != state}

    async def _connected(self) -> Any:
        settings = self._settings
        will = self._mqtt.Will(self._topics.availability, "offline", qos=_AT_LEAST_ONCE, retain=True)
        client = self._mqtt.Client(
            settings.host,
            settings.broker_port,
            username=settings.user or None,
            password=self._password or None,
            identifier=_DECIDED_BY_THE_BROKER,
            will=None if self._events_only else will,
            tls_context=self._tls,
            timeout=settings.timeout_s,
        )
        client.pending_calls_threshold = _MOST_PENDING
        try:
            await client.__aenter__()
        except BaseException as error:
            client._client.disconnect()  # aiomqtt keeps a connection that was not confirmed
            if isinstance(error, self._mqtt.MqttError):
                raise DeliveryError(str(error) or "no answer in time") from None
            raise
        client._disconnected.add_done_callback(self._lost)
        return client

    def _lost(self, disconnected: asyncio.Future[Any]) -> None:
        """The connection has ended. An exception that nobody asks for would be logged by asyncio."""
        if not disconnected.cancelled() and disconnected.exception() is not None:
            self._on_lost()

    def _greeting(self) -> list[Publication]:
        if self._events_only:
            return []
        greeting = [(self._topics.availability, "online", True)]
        if self._settings.discovery:
            greeting.append(_retained(*last_detection(self._topics, self._settings.discovery_prefix)))
        return greeting

    def _introductions(self, labels: Iterable[str]) -> list[Publication]:
        """The discovery messages of the classes that are heard for the first time."""
        settings = self._settings
        sensors = [
            class_sensor(
                self._topics, label, discovery_prefix=settings.discovery_prefix, off_delay_s=settings.off_delay_s
            )
            for label in labels
            if label not in self._announced and settings.discovery
        ]
        return [_retained(*sensor) for sensor in sensors]

    def _presences(self, states: Mapping[str, tuple[bool, float]]) -> list[Publication]:
        """ON expires in Home Assistant: retained, it would show a class again after a restart."""
        oldest = self._clock() - self._settings.off_delay_s
        return [
            (self._topics.presence(label), "ON" if on else "OFF", not on)
            for label, (on, time_s) in states.items()
            if not on or time_s > oldest
        ]

    async def send(self, lines: Sequence[str], done: set[Hashable]) -> None:
        """Publish events. Raises DeliveryError if some are not acknowledged in time."""
        numbers = [number for number in range(len(lines)) if number not in done]
        await self._publish([(self._topics.detection, lines[number], False) for number in numbers], numbers, done)
        for number in numbers:
            self._on_sent(f"{self._topics.detection} {lines[number]}")

    async def _publish(
        self, publications: Sequence[Publication], keys: Sequence[Hashable] = (), done: set[Hashable] | None = None
    ) -> None:
        """Publish in this order, and wait for all acknowledgements; the keys of what is acknowledged become `done`."""
        sending = [
            self._client.publish(topic, payload, qos=_AT_LEAST_ONCE, retain=retain)
            for topic, payload, retain in publications
        ]
        results = await asyncio.gather(*sending, return_exceptions=True)
        if done is not None:
            done.update(key for key, result in zip(keys, results, strict=True) if result is None)
        for failure in filter(None, results):
            await self._drop()
            raise DeliveryError(str(failure) or "no answer in time") if self._is_known(failure) else failure

    def _is_known(self, failure: BaseException) -> bool:
        return isinstance(failure, self._mqtt.MqttError)

    async def _drop(self) -> None:
        """End the connection, whatever its state. The next one is another client, so that nothing is sent by both."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(self._mqtt.MqttError):
                await client.__aexit__(None, None, None)

    async def disconnect(self) -> None:
        """Say goodbye, and disconnect."""
        if self._client is not None and not self._events_only:
            with suppress(DeliveryError):  # then the broker publishes the will
                await self._publish([(self._topics.availability, "offline", True)])
        await self._drop()


def _retained(topic: str, message: dict[str, Any]) -> Publication:
    return topic, json.dumps(message), True
