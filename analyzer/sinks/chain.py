"""The Chain API: a device per channel, a sensor per class, and the probability of each window as a value.

POST …/scalar_data/create?sensor_id=7
[{"timestamp": "2026-05-01T06:30:00.000000+00:00", "value": 0.9123}, …]
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from pydantic import SecretStr
from yarl import URL

from analyzer.sinks.base import SinkContext
from analyzer.sinks.chain_site import ChainSensor, ChainSite
from analyzer.sinks.hal import HalClient, ResourceGoneError
from analyzer.sinks.selection import covers_class
from tidzam.addresses import scheme_of
from tidzam.config.chain_sink import ChainSinkSettings
from tidzam.config.location import LocationSettings
from tidzam.config.secret import reveal
from tidzam.config.sink_base import SinkSettings
from tidzam.errors import ConfigError
from tidzam.labels import LabelTree
from tidzam.naming import source_of
from tidzam.protocol.analyzer import PROBABILITY_DIGITS
from tidzam.results import Analysis, AnalyzedBatch
from tidzam.spool.delivery import RefusedError
from tidzam.spool.spooled import SpooledDelivery

_VALUES: Final = 500
"""Values in one file of the spool, which are sent in one request per sensor."""
_SAME: Final = timedelta(milliseconds=1)
"""Servers round times."""


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


@dataclass(frozen=True)
class ChainValue:
    """The probability of a class in a window, for the sensor `metric` of `device`; `timestamp` is ISO 8601 in UTC."""

    device: str
    metric: str
    timestamp: str
    value: float


class ChainSink:
    """Writes the classes that are heard in each window. Values wait on disk until the server has accepted them."""

    settings_model: ClassVar[type[SinkSettings]] = ChainSinkSettings

    def __init__(self, settings: ChainSinkSettings, context: SinkContext) -> None:
        self._settings, self._context = settings, context
        self._delivery = SpooledDelivery(
            settings, home=context.home, name="chain", identity=f"{settings.url} {settings.site}", file_lines=_VALUES
        )

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        return self._delivery.fault

    async def open(self) -> None:
        """Begin to send what waits. Raises ConfigError (`secret`) and TidzamError (`spool`)."""
        settings, context = self._settings, self._context
        password = await asyncio.to_thread(reveal, settings.password, "The password of the sink chain")
        client = HalClient(
            URL(settings.url),
            user=settings.user,
            password=password,
            timeout_s=settings.timeout_s,
            on_sent=context.on_sent,
        )
        site = ChainSite(client, settings.site or context.node, position_of(context.location))
        await self._delivery.open(ChainReceiver(client, site), collect_s=settings.collect_s)

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Store the values of a batch, to be sent; none if its time is unknown. Raises TidzamError (`spool`)."""
        if not analyzed.batch.dated:
            return
        labels = self._context.labels if analyzed.cascade is None else analyzed.cascade.labels
        values = (value for analysis in analyzed.analyses for value in self._values(analysis, labels))
        await self._delivery.put([json.dumps(asdict(value)) for value in values])

    def _values(self, analysis: Analysis, labels: LabelTree) -> Iterator[ChainValue]:
        """Those of the classes that the window is decided to hold, and of the classes above them."""
        channel = analysis.channel
        device = self._settings.device.format(
            node=self._context.node, source=source_of(channel), channel=channel.rpartition(":")[2]
        )
        known = [label for label in analysis.result if label in labels.parents]
        paths = {path[-1]: path for label in known for path in _ancestors(labels.path(label))}
        for label, path in paths.items():
            probability = analysis.probabilities.get(label)
            if probability is not None and covers_class(self._settings, channel, path, probability):
                time = analysis.start.isoformat(timespec="microseconds")
                yield ChainValue(device, label, time, round(float(probability), PROBABILITY_DIGITS))

    async def close(self) -> None:
        """Send what can be sent. Raises TidzamError (`unsent`) if some values remain on disk."""
        await self._delivery.close()


def _ancestors(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths that `path` begins with, itself last."""
    return (path[: count + 1] for count in range(len(path)))


def position_of(location: LocationSettings | None) -> dict[str, float] | None:
    """A location as the Chain API writes it."""
    return None if location is None else {"latitude": location.latitude, "longitude": location.longitude}


class ChainReceiver:
    """Adds values to the histories of their sensors, a request per sensor.

    Whether a request whose answer was lost has been carried out is asked of the history, before its values are sent
    again. So are the first values after a start: the program may have been killed while it sent them.
    """

    def __init__(self, client: HalClient, site: ChainSite) -> None:
        self._client, self._site = client, site
        self._is_uncertain = True
        self.shown = str(client.entry)

    async def connect(self) -> None:
        """Connections are made with the first request."""

    async def disconnect(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def send(self, lines: Sequence[str], done: set[Hashable]) -> None:
        """Send the values. Raises RefusedError for those that the server will never accept."""
        sensors, refused = _by_sensor(lines)
        reason = "they cannot be read" if refused else ""
        for sensor, values in sensors.items():
            if sensor in done:
                continue
            try:
                await self._send_to(sensor, list(values.values()))
            except RefusedError as error:
                refused += values
                reason = reason or str(error)
            except BaseException:
                self._is_uncertain = True
                raise
            done.add(sensor)
        self._is_uncertain = False
        if refused:
            raise RefusedError(reason, refused)

    async def _send_to(self, sensor: tuple[str, str], values: Sequence[ChainValue]) -> None:
        try:
            await self._add(await self._site.sensor(*sensor), values)
        except ResourceGoneError:  # it was deleted, or is found elsewhere by now
            self._site.forget()
            await self._add(await self._site.sensor(*sensor), values)

    async def _add(self, sensor: ChainSensor, values: Sequence[ChainValue]) -> None:
        if self._is_uncertain:
            times = [datetime.fromisoformat(value.timestamp) for value in values]
            there = await self._site.times(sensor, min(times), max(times))
            values = [
                value
                for value, time in zip(values, times, strict=True)
                if not any(abs(time - other) < _SAME for other in there)
            ]
        if values:
            points = [{"timestamp": value.timestamp, "value": value.value} for value in values]
            await self._client.create(sensor.create, points)


def _by_sensor(lines: Sequence[str]) -> tuple[Mapping[tuple[str, str], dict[str, ChainValue]], list[str]]:
    """Lines of the spool, and their values, by device and metric; and the lines that cannot be read."""
    found: dict[tuple[str, str], dict[str, ChainValue]] = {}
    unreadable = []
    for line in lines:
        try:
            value = ChainValue(**json.loads(line))
            datetime.fromisoformat(value.timestamp)
            found.setdefault((value.device, value.metric), {})[line] = value
        except (ValueError, TypeError):  # another version wrote it, or a disk has failed
            unreadable.append(line)
    return found, unreadable
