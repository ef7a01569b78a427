"""Notifications to people, through Apprise."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable, Hashable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from analyzer.sinks.base import SinkContext
from analyzer.sinks.notification_rules import NotificationMemory, decide, notification
from analyzer.sinks.optional import require_package
from tidzam.atomic import write_atomically
from tidzam.config.notification_sink import NotificationSinkSettings
from tidzam.config.secret import reveal
from tidzam.config.sink_base import SinkSettings
from tidzam.errors import ConfigError, TidzamError
from tidzam.paths import spool_folder
from tidzam.results import AnalyzedBatch
from tidzam.spool.delivery import DeliveryError, RefusedError
from tidzam.spool.spooled import SpooledDelivery

log = logging.getLogger(__name__)

_NOTIFICATIONS: Final = 20
"""Notifications in one file of the spool."""


class NotificationSink:
    """Sends a notification for each detection that the rules permit. They wait on disk until all services took them."""

    settings_model: ClassVar[type[SinkSettings]] = NotificationSinkSettings

    def __init__(
        self, settings: NotificationSinkSettings, context: SinkContext, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Raises SetupError if Apprise is not installed."""
        self._apprise = require_package("apprise", part="notify", sink="notify")
        self._settings, self._node, self._clock = settings, context.node, clock
        place = context.location
        self._zone = ZoneInfo(settings.time_zone or (place.time_zone if place else "UTC"))
        self._on_sent = context.on_sent
        identity = settings.model_dump_json(include={"urls"})
        digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
        self._path = settings.memory or spool_folder(context.home) / f"notify-{digest}.json"
        self._memory = NotificationMemory()
        self._delivery = SpooledDelivery(
            settings, home=context.home, name="notify", identity=identity, file_lines=_NOTIFICATIONS
        )

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        return self._delivery.fault

    async def open(self) -> None:
        """Read what was notified before, and begin to send what waits.

        Raises ConfigError: `secret`, and `notify` for an unusable address; TidzamError (`spool`).
        """
        services, self._memory = await asyncio.to_thread(lambda: (self._read_services(), _read(self._path)))
        settings = self._settings
        receiver = AppriseReceiver(
            services,
            timeout_s=settings.timeout_s,
            expire_s=settings.expire_s,
            clock=self._clock,
            on_sent=self._on_sent,
        )
        await self._delivery.open(receiver)

    def _read_services(self) -> list[Any]:
        """One object of Apprise per address, so that it is known which of them has taken a notification."""
        services = []
        for number, url in enumerate(self._settings.urls, start=1):
            service = self._apprise.Apprise()
            if not service.add(reveal(url, f"Address {number} of the sink notify")):
                raise ConfigError(
                    f"Address {number} of the sink notify is not one of Apprise.",
                    hint="See https://appriseit.com/services.",
                    code="notify",
                )
            services.append(service)
        return services

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Store what the rules permit, to be sent. Raises TidzamError: `spool`, and `output` for the memory."""
        for change in analyzed.detections:
            after = decide(
                change, self._settings.rules, self._memory, zone=self._zone, per_hour=self._settings.per_hour
            )
            if after is not None:
                title, body = notification(change.detection, node=self._node, zone=self._zone)
                await self._delivery.put([json.dumps({"title": title, "body": body, "time_s": self._clock()})])
                self._memory = after
                await asyncio.to_thread(_write, self._path, after)

    async def close(self) -> None:
        """Send what can be sent. Raises TidzamError (`unsent`) if some notifications remain on disk."""
        await self._delivery.close()


class AppriseReceiver:
    """Sends notifications to services of Apprise, each once to each; what is older than `expire_s` no longer."""

    shown = "A notification service"

    def __init__(
        self,
        services: Sequence[Any],
        *,
        timeout_s: float,
        expire_s: float,
        clock: Callable[[], float],
        on_sent: Callable[[str], None],
    ) -> None:
        self._services, self._timeout_s, self._expire_s = services, timeout_s, expire_s
        self._clock, self._on_sent = clock, on_sent

    async def connect(self) -> None:
        """Connections are made for each notification."""

    async def disconnect(self) -> None:
        """Nothing to close."""

    async def send(self, lines: Sequence[str], done: set[Hashable]) -> None:
        """Send notifications. Raises DeliveryError, at the end, if a service did not take one, and RefusedError for
        those that cannot be read."""
        failing: set[int] = set()
        unreadable: list[str] = []
        for number, line in enumerate(lines):
            notification = _notification(line)
            if notification is None:
                unreadable.append(line)
                continue
            for address, service in enumerate(self._services, start=1):
                key = number, address
                if key in done or address in failing:
                    continue
                if await self._is_sent(service, notification):
                    done.add(key)
                    self._on_sent(f"address {address}: {notification['title']}: {notification['body']}")
                else:
                    failing.add(address)
        if failing:
            addresses = ", ".join(map(str, sorted(failing)))
            raise DeliveryError(f"address {addresses} of the sink notify has failed, see the log of apprise")
        if unreadable:
            raise RefusedError("they cannot be read", unreadable)

    async def _is_sent(self, service: Any, notification: dict[str, Any]) -> bool:
        if self._clock() - notification["time_s"] > self._expire_s:
            limit = timedelta(seconds=self._expire_s)
            log.error("a notification is older than %s and not sent: %s", limit, notification["title"])
            return True
        try:
            async with asyncio.timeout(self._timeout_s):
                return bool(await service.async_notify(title=notification["title"], body=notification["body"]))
        except TimeoutError:
            return False


def _notification(line: str) -> dict[str, Any] | None:
    """A line of the spool; None if it cannot be read."""
    try:
        found = json.loads(line)
        return {"title": str(found["title"]), "body": str(found["body"]), "time_s": float(found["time_s"])}
    except (ValueError, TypeError, KeyError):
        return None


def _read(path: Path) -> NotificationMemory:
    try:
        return NotificationMemory.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValidationError) as error:
        log.warning("%s is unreadable and begun again: %s", path, type(error).__name__)
    return NotificationMemory()


def _write(path: Path, memory: NotificationMemory) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, memory.model_dump_json(), mode=0o600)
    except OSError as error:
        raise TidzamError(
            f"{path} cannot be written: {error.strerror}.", hint="Free some room, or set memory.", code="output"
        ) from None
