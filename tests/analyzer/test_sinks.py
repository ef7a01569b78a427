"""The contract that every sink passes, and what a failing one does to the others: nothing."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import socketio
from pydantic import SecretStr
from sqlalchemy import select

from analyzer.files.report import COLUMNS
from analyzer.sinks.base import NamedSink, Sink, SinkContext, make_sinks, marked
from analyzer.sinks.queue import BoundedSink
from analyzer.sinks.socketio import SocketIoSink
from tests.support.batches import LABELS, START, Batches
from tests.support.chain_server import PASSWORD, USER, chain_server
from tests.support.eventually import eventually_async
from tests.support.forward_sink import forward_sink
from tests.support.forwarding import Hub, hub
from tests.support.mqtt import listening, mqtt_broker
from tests.support.ports import free_port
from tests.support.sinks import RecordingSink
from tests.support.status import analyzer as analyzer_health
from tests.support.web_receiver import web_receiver
from tidzam.config.chain_sink import ChainSinkSettings
from tidzam.config.clips import ClipRule
from tidzam.config.influx_sink import InfluxSinkSettings
from tidzam.config.mqtt_sink import MqttSinkSettings
from tidzam.config.notification_sink import NotificationRule, NotificationSinkSettings
from tidzam.config.sinks import (
    ClipSinkSettings,
    CsvSinkSettings,
    JsonLinesSinkSettings,
    SinkSettings,
)
from tidzam.config.store import LOCAL_STORE, StoreSinkSettings
from tidzam.config.webhook_sink import WebhookSinkSettings
from tidzam.errors import ConfigError, TidzamError
from tidzam.process import RestartPolicy
from tidzam.protocol.analyzer import MESSAGES
from tidzam.results import AnalyzedBatch
from tidzam.server import Health, Server
from tidzam.store.database import open_store
from tidzam.store.tables.detections import DetectionRow

pytestmark = pytest.mark.timeout(60)

CONTEXT = SinkContext(node="garden", labels=LABELS)
AT_ONCE = RestartPolicy(first_delay_s=0.01, max_delay_s=0.01)

Received = Callable[[], int]
"""How much of what a sink was given has arrived where it goes: it grows with each batch of `batches`."""


def made(settings: SinkSettings) -> Sink:
    (named,) = make_sinks([settings], CONTEXT)
    return named.sink


def lines_in(path: Path) -> int:
    """The lines of a file, which a sink may make with its first batch."""
    return path.read_text().count("\n") if path.exists() else 0


@asynccontextmanager
async def clips(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    sink = made(ClipSinkSettings(folder=folder, rules=(ClipRule(rate=1.0),)))
    yield sink, lambda: len(list(folder.rglob("*.flac")))


@asynccontextmanager
async def csv_file(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    path = folder / "found.csv"
    yield made(CsvSinkSettings(path=path)), lambda: lines_in(path) - 1


@asynccontextmanager
async def daily_csv(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    path = folder / "found-2026-05-01.csv"
    yield made(CsvSinkSettings(path=folder / "found.csv", daily=True)), lambda: lines_in(path) - 1


@asynccontextmanager
async def json_lines(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    path = folder / "found.jsonl"
    yield made(JsonLinesSinkSettings(path=path)), lambda: lines_in(path)


@asynccontextmanager
async def chain(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    async with chain_server(START) as server:
        password = SecretStr(PASSWORD)
        sink = made(
            ChainSinkSettings(url=server.url, user=USER, password=password, spool=folder / "spool", collect_s=0.0)
        )
        yield sink, lambda: sum(len(sensor.values) for sensor in server.of("sensors"))


@asynccontextmanager
async def socket_io(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    port, got = free_port(), list[Any]()
    server = Server("analyzer", host="127.0.0.1", port=port, health=lambda: Health(True), messages=MESSAGES)
    sink = SocketIoSink(server, node="garden", classifiers=("selector",), labels=LABELS, health=analyzer_health)
    client = socketio.AsyncClient()
    client.on("sys", lambda data: got.append(data) if isinstance(data, list) else None)
    async with server:
        await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
        yield sink, lambda: len(got)
        await client.disconnect()


@asynccontextmanager
async def mqtt(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    with mqtt_broker(folder) as broker:
        async with listening(broker, "tidzam/garden/detection") as heard:
            sink = made(MqttSinkSettings(host="localhost", port=broker.port, states=("end",), spool=folder / "spool"))
            yield sink, lambda: len(heard)


@asynccontextmanager
async def influxdb(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    async with web_receiver() as server:
        sink = made(InfluxSinkSettings(url=server.url, spool=folder / "spool", collect_s=0.0))
        yield sink, lambda: len(server.lines)


@asynccontextmanager
async def webhook(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    async with web_receiver() as server:
        sink = made(WebhookSinkSettings(url=SecretStr(server.url), spool=folder / "spool", states=("end",)))
        yield sink, lambda: sum(len(json.loads(one.body)["detections"]) for one in server.accepted)


@asynccontextmanager
async def notify(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    async with web_receiver() as server:
        url = SecretStr(server.url.replace("http", "json"))
        rules = (NotificationRule(interval_s=0),)
        sink = made(NotificationSinkSettings(urls=(url,), rules=rules, memory=folder / "m.json", spool=folder))
        yield sink, lambda: len(server.accepted)


@asynccontextmanager
async def store(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    (named,) = make_sinks([StoreSinkSettings()], replace(CONTEXT, home=folder))
    with open_store(LOCAL_STORE, folder) as opened:

        def ended() -> int:
            with opened.read() as session:
                return len(session.scalars(select(DetectionRow.id).where(~DetectionRow.is_open)).all())

        yield named.sink, ended


@asynccontextmanager
async def forward(folder: Path) -> AsyncIterator[tuple[Sink, Received]]:
    node = shared_hub().other(f"node-{next(_nodes)}")
    sink = forward_sink(node.url, node.token, folder / "edge", node=node.node)
    yield sink, lambda: sum(not is_open for _, _, is_open, _ in node.detections())


_hubs, _nodes = ExitStack(), count()


@cache
def shared_hub() -> Hub:
    """A receiving node, started when it is used for the first time; each test is a node of its own there."""
    folder = _hubs.enter_context(TemporaryDirectory())
    return _hubs.enter_context(hub(Path(folder) / "hub"))


@pytest.fixture(scope="module", autouse=True)
def hubs_end() -> Iterator[None]:
    yield
    _hubs.close()
    shared_hub.cache_clear()


SINKS = pytest.mark.parametrize(
    "running",
    [clips, csv_file, daily_csv, json_lines, chain, socket_io, mqtt, influxdb, webhook, notify, store, forward],
)


def batches(count: int) -> list[AnalyzedBatch]:
    """Batches with a window and, but for the first, the end of a detection in each."""
    source = Batches()
    return [source.batch(number, pond_0=("birds", "frogs")[number % 2]) for number in range(count)]


@SINKS
async def test_a_sink_takes_every_batch(running: Any, tmp_path: Path) -> None:
    async with running(tmp_path) as (sink, received):
        await sink.open()
        for analyzed in batches(5):
            await sink.deliver(analyzed)
        await sink.close()
        await eventually_async(lambda: received() >= 4)


@SINKS
async def test_a_sink_takes_batches_without_channels(running: Any, tmp_path: Path) -> None:
    source = Batches()
    async with running(tmp_path) as (sink, received):
        await sink.open()
        await sink.deliver(source.batch(0))
        await sink.deliver(source.batch(1, pond_0="birds"))
        await sink.deliver(source.last())
        await sink.close()
        await eventually_async(lambda: received() == 1)


@SINKS
async def test_a_sink_that_is_opened_again_goes_on(running: Any, tmp_path: Path) -> None:
    first, *rest = batches(3)
    async with running(tmp_path) as (sink, received):
        await sink.open()
        await sink.deliver(first)
        await sink.close()
        await sink.open()
        for analyzed in rest:
            await sink.deliver(analyzed)
        await sink.close()
        await eventually_async(lambda: received() >= 2)


@SINKS
async def test_a_sink_is_closed_without_a_batch(running: Any, tmp_path: Path) -> None:
    async with running(tmp_path) as (sink, _):
        await sink.open()
        await sink.close()


@SINKS
@pytest.mark.parametrize("method", ["open", "deliver", "close"])
async def test_a_sink_that_raises_once_works_again_and_the_others_miss_nothing(
    running: Any, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Witness:
        def __init__(self) -> None:
            self.taken: list[AnalyzedBatch] = []

        async def open(self) -> None: ...
        async def deliver(self, analyzed: AnalyzedBatch) -> None:
            self.taken.append(analyzed)

        async def close(self) -> None: ...

    given, witness = batches(8), Witness()
    async with running(tmp_path) as (sink, received):
        for name in {method, "deliver"} if method == "close" else {method}:
            monkeypatch.setattr(sink, name, raising_once(getattr(sink, name)))
        failing = BoundedSink(NamedSink("failing", sink), policy=AT_ONCE)
        other = BoundedSink(NamedSink("witness", witness))
        async with asyncio.TaskGroup() as tasks:
            tasks_running = [tasks.create_task(one.run()) for one in (failing, other)]
            for analyzed in given:
                failing.put(analyzed)
                other.put(analyzed)
            await eventually_async(lambda: len(witness.taken) == 8 and failing.fault is None and received() >= 6)
            for task in tasks_running:
                task.cancel()
    assert failing.errors == (2 if method == "close" else 1)
    assert witness.taken == given
    assert (other.errors, other.dropped) == (0, 0)


def raising_once(method: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The method, but for its first call, which raises."""
    calls = iter([True])

    async def call(*arguments: Any) -> None:
        if next(calls, False):
            raise RuntimeError("no luck")
        await method(*arguments)

    return call


async def test_rows_of_live_analysis_name_port_and_time(tmp_path: Path) -> None:
    path = tmp_path / "found.csv"
    for _ in range(2):  # the second time, the file is continued
        sink = made(CsvSinkSettings(path=path))
        await sink.open()
        for analyzed in batches(2):
            await sink.deliver(analyzed)
        await sink.close()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["channel"], row["start"], row["start_s"], row["class"]) for row in rows] == [
        ("pond:out_0", "2026-05-01T06:30:00+00:00", "", "birds")
    ] * 2


async def test_a_file_with_other_columns_is_not_continued(tmp_path: Path) -> None:
    (tmp_path / "found.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TidzamError, match="has other columns"):
        await made(CsvSinkSettings(path=tmp_path / "found.csv")).open()
    assert (tmp_path / "found.csv").read_text() == "a,b\n1,2\n"


def test_sinks_of_one_type_are_numbered(tmp_path: Path) -> None:
    settings = [CsvSinkSettings(path=tmp_path / name) for name in "ab"]
    names = [named.name for named in make_sinks([*settings, ClipSinkSettings(folder=tmp_path)], CONTEXT)]
    assert names == ["csv", "csv-2", "clips"]


def test_a_sink_that_cannot_be_created_is_named() -> None:
    class WrongSettings(SinkSettings):
        type: str = "csv"

    with pytest.raises(ConfigError, match="'csv' cannot be created: AttributeError") as caught:
        make_sinks([WrongSettings()], CONTEXT)
    assert caught.value.code == "broken_extension"


async def test_a_clip_is_named_in_what_every_sink_receives(tmp_path: Path) -> None:
    sinks = make_sinks([ClipSinkSettings(folder=tmp_path, rules=(ClipRule(rate=1.0),))], CONTEXT)
    await sinks[0].sink.open()
    (change,) = marked(sinks, Batches().batch(0, pond_0="birds")).detections
    assert change.detection.clip == "birds/pond-out_0_2026-05-01-06-30-00.000.flac"


def test_a_sink_that_cannot_mark_leaves_the_results_as_they_are() -> None:
    class Marking(RecordingSink):
        def mark(self, analyzed: AnalyzedBatch) -> AnalyzedBatch:
            raise RuntimeError("no luck")

    given = Batches().batch(0, pond_0="birds")
    assert marked([NamedSink("marking", Marking())], given) is given
