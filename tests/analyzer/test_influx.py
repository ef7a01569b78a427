"""The InfluxDB sink: its points in VictoriaMetrics, and against a server that is away, fails and loses answers."""

import asyncio
import json
import logging
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from analyzer.sinks.base import NamedSink, SinkContext
from analyzer.sinks.influx import InfluxSink
from analyzer.sinks.line_protocol import line
from analyzer.sinks.queue import BoundedSink
from tests.support.batches import LABELS, START, Batches
from tests.support.eventually import eventually, eventually_async
from tests.support.ports import free_port
from tests.support.web_receiver import web_receiver
from tidzam.config.influx_sink import InfluxSinkSettings
from tidzam.errors import TidzamError
from tidzam.results import AnalyzedBatch

pytestmark = pytest.mark.timeout(60)

VICTORIA_METRICS = shutil.which("victoria-metrics") or "victoria-metrics"
START_NS = int(START.timestamp()) * 10**9


def sink_to(url: str, folder: Path, **settings: Any) -> InfluxSink:
    made = InfluxSinkSettings(url=url, spool=folder / "spool", collect_s=0.0, **settings)
    return InfluxSink(made, SinkContext(node="garden", labels=LABELS))


def calls(count: int) -> list[AnalyzedBatch]:
    """Batches in which `count` detections of one window end."""
    source = Batches()
    given = [source.batch(number, pond_0=("birds", "frogs")[number % 2]) for number in range(count)]
    return [*given, source.last()]


async def test_a_detection_is_one_point(tmp_path: Path) -> None:
    async with web_receiver() as server:
        sink = sink_to(server.url, tmp_path, organization="field", bucket="birds", token=SecretStr("hidden"))
        await sink.open()
        for analyzed in calls(1):
            await sink.deliver(analyzed)
        await sink.close()
    (request,) = server.accepted
    assert request.path == "/api/v2/write?org=field&bucket=birds&precision=ns"
    assert request.headers["Authorization"] == "Token hidden"
    assert request.body.decode() == (
        "detection,channel=pond:out_0,class=birds,node=garden,source=pond peak_probability=0.9,mean_probability=0.9,"
        f"duration_s=1.0,windows=1i,channels=1i,level_dbfs=-20.0 {START_NS}"
    )


async def test_points_wait_for_a_server_that_is_away_also_over_a_restart(tmp_path: Path) -> None:
    port = free_port()
    for analyzed in (calls(5)[:3], calls(5)[3:]):
        sink = sink_to(f"http://127.0.0.1:{port}", tmp_path)
        await sink.open()
        for batch in analyzed:
            await sink.deliver(batch)
        with pytest.raises(TidzamError, match=r"On disk: [25] results") as caught:
            await sink.close()
    assert caught.value.code == "unsent"
    async with web_receiver(port) as server:
        sink = sink_to(server.url, tmp_path)
        await sink.open()
        await eventually_async(lambda: len(server.lines) == 5)
        await sink.close()
    assert [int(point.rsplit(" ", 1)[1]) for point in server.lines] == [START_NS + n * 10**9 for n in range(5)]


@pytest.mark.parametrize("status", [500, 503, 429, 401, 404, 302])
async def test_a_status_that_may_pass_is_tried_again(status: int, tmp_path: Path) -> None:
    async with web_receiver() as server:
        server.statuses = [status]
        sink = sink_to(server.url, tmp_path)
        await sink.open()
        for analyzed in calls(1):
            await sink.deliver(analyzed)
        await eventually_async(lambda: len(server.lines) == 1)
        await sink.close()
    assert len(server.requests) == 2


async def test_a_lost_answer_costs_a_repeated_point_that_is_the_same(tmp_path: Path) -> None:
    async with web_receiver() as server:
        server.loses_answer = True
        sink = sink_to(server.url, tmp_path)
        await sink.open()
        for analyzed in calls(1):
            await sink.deliver(analyzed)
        await eventually_async(lambda: len(server.lines) == 2)
        await sink.close()
    assert server.lines[0] == server.lines[1]


async def test_refused_points_do_not_hold_up_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with web_receiver() as server:
        server.statuses = [400]
        sink = sink_to(server.url, tmp_path)
        await sink.open()
        await deliver_apart(sink, server.requests)
        await eventually_async(lambda: len(server.accepted) == 1)
        await sink.close()
    (kept,) = (tmp_path / "spool" / "rejected").iterdir()
    assert "class=birds" in kept.read_text()
    assert "refused 1 result (status 400 Bad Request: the reason)" in caplog.text


async def deliver_apart(sink: InfluxSink, requests: list[Any]) -> None:
    """Two points in two requests."""
    source = Batches()
    await sink.deliver(source.batch(0, pond_0="birds"))
    await sink.deliver(source.batch(1, pond_0="frogs"))
    await eventually_async(lambda: len(requests) == 1)
    await sink.deliver(source.last())


async def test_a_server_that_hangs_delays_no_batch_and_is_reported(tmp_path: Path) -> None:
    released = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        bounded = BoundedSink(NamedSink("influxdb", sink_to(url, tmp_path, timeout_s=0.3)), limit=2)
        running = asyncio.create_task(bounded.run())
        for analyzed in calls(20):
            bounded.put(analyzed)
            await bounded.drain(5)
        await eventually_async(lambda: bounded.status.fault is not None)
        running.cancel()
        await asyncio.wait([running])
        released.set()
    assert (bounded.status.delivered, bounded.status.dropped) == (21, 0)


async def test_the_token_is_never_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with web_receiver() as server:
        server.statuses = [401]
        sink = sink_to(server.url, tmp_path, token=SecretStr("hidden"))
        await sink.open()
        for analyzed in calls(1):
            await sink.deliver(analyzed)
        await eventually_async(lambda: len(server.lines) == 1)
        await sink.close()
    assert "status 401" in caplog.text
    assert "hidden" not in caplog.text


@given(st.text(min_size=1), st.text())
def test_any_text_is_one_line_whose_parts_can_be_told_apart(key: str, value: str) -> None:
    written = line("m", {"a" + key: value, "z": "end"}, {"field": 1}, datetime(2026, 5, 1, tzinfo=UTC))
    assert written.endswith(",z=end field=1i 1777593600000000000")
    assert len(written.splitlines()) == 1


def test_times_are_exact() -> None:
    time = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(microseconds=1)
    assert line("m", {}, {"field": 0.1}, time) == "m field=0.1 1777593600000001000"


@contextmanager
def victoria_metrics(folder: Path, port: int) -> Iterator[str]:
    """VictoriaMetrics, which keeps one of equal points."""
    options = ["-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms", f"-storageDataPath={folder}/data"]
    argv = [VICTORIA_METRICS, f"-httpListenAddr=127.0.0.1:{port}", *options]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    try:
        eventually(lambda: _answers(port), what="VictoriaMetrics")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with suppress(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
        return True
    return False


def exported(url: str) -> dict[str, list[int]]:
    """The times, in milliseconds, of the points of each class."""
    urllib.request.urlopen(f"{url}/internal/force_flush", timeout=5).close()
    query = urllib.parse.urlencode({"match[]": "detection_windows", "reduce_mem_usage": "0"})
    with urllib.request.urlopen(f"{url}/api/v1/export?{query}", timeout=5) as answer:
        found = [json.loads(row) for row in answer]
    return {row["metric"]["class"]: row["timestamps"] for row in found}


async def test_victoria_metrics_holds_each_detection_once_after_an_outage(tmp_path: Path) -> None:
    port = free_port()
    sink = sink_to(f"http://127.0.0.1:{port}", tmp_path)
    await sink.open()
    given = calls(6)
    for analyzed in given[:3]:
        await sink.deliver(analyzed)
    await eventually_async(lambda: sink.fault is not None)
    with victoria_metrics(tmp_path, port) as url:
        for analyzed in given[3:]:
            await sink.deliver(analyzed)
        await sink.close()
        again = sink_to(url, tmp_path)  # as after a lost answer
        await again.open()
        for analyzed in given:
            await again.deliver(analyzed)
        await again.close()
        start_ms = START_NS // 10**6
        expected = {
            "birds": [start_ms + n * 1000 for n in (0, 2, 4)],
            "frogs": [start_ms + n * 1000 for n in (1, 3, 5)],
        }
        await eventually_async(lambda: exported(url) == expected)
