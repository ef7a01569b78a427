"""Notifications to people, through Apprise."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from pathlib import Path
from typing import Any, ClassVar
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
from tidzam.results import AnalyzedBatch, DetectionChange

log = logging.getLogger(__name__)


class NotificationSink:
    """Sends a notification for each detection that the rules permit. One that fails is tried with the next window."""

    settings_model: ClassVar[type[SinkSettings]] = NotificationSinkSettings

    def __init__(self, settings: NotificationSinkSettings, context: SinkContext) -> None:
        """Raises SetupError if Apprise is not installed."""
        self._apprise = require_package("apprise", part="notify", sink="notify")
        self._settings, self._node = settings, context.node
        self._zone = ZoneInfo(settings.time_zone)
        digest = hashlib.sha256(settings.model_dump_json(include={"urls"}).encode()).hexdigest()[:8]
        self._path = settings.memory or spool_folder(context.home) / f"notify-{digest}.json"
        self._memory = NotificationMemory()
        self._services: Any = None

    async def open(self) -> None:
        """Read what was notified before. Raises ConfigError: `secret`, and `notify` for an unusable address."""
        self._services, self._memory = await asyncio.to_thread(lambda: (self._read_services(), _read(self._path)))

    def _read_services(self) -> Any:
        services = self._apprise.Apprise()
        for number, url in enumerate(self._settings.urls, start=1):
            if not services.add(reveal(url, f"Address {number} of the sink notify")):
                raise ConfigError(
                    f"Address {number} of the sink notify is not one of Apprise.",
                    hint="See https://appriseit.com/services.",
                    code="notify",
                )
        return services

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Send what the rules permit. Raises TidzamError: `notify`, and `output` if the memory cannot be written."""
        for change in analyzed.detections:
            after = decide(
                change, self._settings.rules, self._memory, zone=self._zone, per_hour=self._settings.per_hour
            )
            if after is not None:
                await self._send(change)
                self._memory = after
                await asyncio.to_thread(_write, self._path, after)

    async def _send(self, change: DetectionChange) -> None:
        title, body = notification(change.detection, node=self._node, zone=self._zone)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                sent = await self._services.async_notify(title=title, body=body)
        except TimeoutError:
            sent = False
        if not sent:
            raise TidzamError(
                "A notification was not accepted by all services.", hint="See the log of apprise.", code="notify"
            )

    async def close(self) -> None:
        """Nothing to close."""


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
