"""The MQTT sink against mosquitto: its messages, Home Assistant's discovery, TLS, logins, a broker that goes away."""

import asyncio
import json
import logging
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from analyzer.sinks.base import NamedSink, SinkContext
from analyzer.sinks.mqtt import MqttSink
from analyzer.sinks.mqtt_connection import MqttConnection
from analyzer.sinks.presence import Presence
from analyzer.sinks.queue import BoundedSink
from tests.support.batches import LABELS, Batches
from tests.support.eventually import eventually_async
from tests.support.mqtt import PASSWORD, USER, Broker, listening, mqtt_broker
from tests.support.ports import free_port
from tidzam.config.mqtt_sink import MqttSinkSettings
from tidzam.errors import SetupError, TidzamError
from tidzam.results import AnalyzedBatch

pytestmark = pytest.mark.timeout(60)

Messages = list[tuple[str, str, bool]]


def sink_to(broker: Broker, folder: Path, node: str = "garden", **settings: Any) -> MqttSink:
    if broker.has_password:
        settings = {"user": USER, "password": SecretStr(PASSWORD), **settings}
    if broker.ca_file is not None:
        settings = {"tls": True, "ca_file": broker.ca_file, **settings}
    settings.setdefault("spool", folder / "spool")
    made = MqttSinkSettings(host="localhost", port=broker.port, **settings)
    return MqttSink(made, SinkContext(node=node, labels=LABELS))


def payloads(heard: Messages, topic: str) -> list[str]:
    return [payload for found, payload, _ in heard if found == topic]


async def a_call(sink: MqttSink, **results: str) -> None:
    """Deliver a detection of one window, from start to end; the start has been published when it ends."""
    batches = Batches()
    await sink.open()
    await sink.deliver(batches.batch(0, **results))
    await eventually_async(lambda: sink.fault is not None or not connection_of(sink)._states)
    await sink.deliver(batches.last())


def connection_of(sink: MqttSink) -> MqttConnection:
    assert sink._connection is not None
    return sink._connection


def spooled(folder: Path) -> int:
    """How many events wait on disk."""
    return sum(path.read_text().count("\n") for path in (folder / "spool").glob("*.lines"))


async def test_a_detection_is_published_as_its_event(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        async with listening(broker, "tidzam/garden/detection") as heard:
            sink = sink_to(broker, tmp_path)
            await a_call(sink, pond_0="birds-wren")
            await eventually_async(lambda: len(heard) == 2)
            await sink.close()
    events = [json.loads(payload) for _, payload, _ in heard]
    assert [(event["state"], event["path"], event["channel"]) for event in events] == [
        ("start", ["birds", "birds-wren"], "pond:out_0"),
        ("end", ["birds", "birds-wren"], "pond:out_0"),
    ]


async def test_a_class_and_its_parent_are_on_while_they_are_heard(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        async with listening(broker, "tidzam/garden/class/+") as heard:
            sink = sink_to(broker, tmp_path)
            await a_call(sink, pond_0="birds-wren")
            await eventually_async(lambda: len(heard) == 4)
            await sink.close()
    assert payloads(heard, "tidzam/garden/class/birds") == ["ON", "OFF"]
    assert payloads(heard, "tidzam/garden/class/birds-wren") == ["ON", "OFF"]


async def test_home_assistant_finds_the_sensors_after_its_own_restart(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        sink = sink_to(broker, tmp_path, node="pond station/1")
        await a_call(sink, pond_0="birds")
        async with listening(broker, "homeassistant/#") as heard:
            await eventually_async(lambda: len(heard) == 2)
        await sink.close()
    assert all(retained for _, _, retained in heard)
    found = {topic.split("/")[1]: json.loads(payload) for topic, payload, _ in heard}
    sensor = found["binary_sensor"]
    assert sensor["state_topic"] == "tidzam/pond station_1/class/birds"
    assert sensor["off_delay"] == 60
    assert found["sensor"]["device"] == sensor["device"]
    assert all(set(topic) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-/") for topic, _, _ in heard)


async def test_a_class_that_was_on_is_not_retained(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        sink, batches = sink_to(broker, tmp_path), Batches()
        async with listening(broker, "tidzam/garden/class/birds") as heard:
            await sink.open()
            await sink.deliver(batches.batch(0, pond_0="birds"))
            await eventually_async(lambda: len(heard) == 1)
        async with listening(broker, "tidzam/#") as heard:
            await eventually_async(lambda: len(heard) == 1)
        await sink.close()
    assert heard == [("tidzam/garden/status", "online", True)]


async def test_without_discovery_home_assistant_is_left_alone(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        async with listening(broker) as heard:
            sink = sink_to(broker, tmp_path, discovery=False)
            await a_call(sink, pond_0="birds")
            await sink.close()
            await eventually_async(lambda: "offline" in payloads(heard, "tidzam/garden/status"))
    assert not [topic for topic, _, _ in heard if topic.startswith("homeassistant")]


async def test_a_killed_analyzer_is_reported_offline(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        sink = sink_to(broker, tmp_path)
        await sink.open()
        async with listening(broker, "tidzam/garden/status") as heard:
            await eventually_async(lambda: payloads(heard, "tidzam/garden/status") == ["online"])
            connection_of(sink)._client._client.socket().close()  # as the kernel does for a killed process
            await eventually_async(lambda: payloads(heard, "tidzam/garden/status") == ["online", "offline"])


async def test_only_wanted_detections_are_published(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        async with listening(broker, "tidzam/garden/detection") as heard:
            sink = sink_to(broker, tmp_path, classes=("birds",), channels=("1", "lake:*"), states=("start",))
            await a_call(sink, pond_0="birds", pond_1="birds", lake_0="frogs", lake_2="birds-wren")
            await eventually_async(lambda: len(heard) == 2)
            await sink.close()
    assert {json.loads(payload)["channel"] for _, payload, _ in heard} == {"pond:out_1", "lake:out_2"}


async def test_a_login_over_tls(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path, password=True, tls=True) as broker:
        async with listening(broker, "tidzam/garden/detection") as heard:
            sink = sink_to(broker, tmp_path)
            await a_call(sink, pond_0="birds")
            await eventually_async(lambda: len(heard) == 2)
            await sink.close()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"password": SecretStr("hidden-guess")}, "Not authorized"),
        ({"ca_file": None}, "CERTIFICATE_VERIFY_FAILED"),
        ({"tls": False, "ca_file": None, "timeout_s": 1.0}, "does not accept results"),
    ],
)
async def test_a_broker_that_refuses_is_named_with_the_reason(
    wrong: dict[str, Any], reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with mqtt_broker(tmp_path, password=True, tls=True) as broker, pytest.raises(TidzamError, match=reason) as caught:
        await a_call_that_fails(sink_to(broker, tmp_path, **wrong))
    assert caught.value.code == "unsent"
    assert spooled(tmp_path) == 2
    assert "hidden-guess" not in f"{caught.value}{caplog.text}"
    assert PASSWORD not in f"{caught.value}{caplog.text}"


async def a_call_that_fails(sink: MqttSink) -> None:
    await a_call(sink, pond_0="birds")
    await sink.close()


def calls(count: int) -> list[AnalyzedBatch]:
    """Batches in which `count` detections of one window start and end."""
    source = Batches()
    return [*(source.batch(number, pond_0=("birds", "frogs")[number % 2]) for number in range(count)), source.last()]


def states(heard: Messages) -> list[tuple[str, str]]:
    """The events by the time of their start, in the order in which a consumer sees them, without repetitions."""
    events = [json.loads(payload) for _, payload, _ in heard]
    return list(dict.fromkeys((event["start"][14:19], event["state"]) for event in events))


async def test_no_detection_is_lost_while_the_broker_is_away(tmp_path: Path) -> None:
    port, given = free_port(), calls(30)
    bounded = BoundedSink(NamedSink("mqtt", sink_to(Broker(port), tmp_path, timeout_s=1.0)))
    running = asyncio.create_task(bounded.run())
    for analyzed in given:
        bounded.put(analyzed)
        await bounded.drain(10)
    await eventually_async(lambda: bounded.status.fault is not None)
    with mqtt_broker(tmp_path, port=port) as broker:
        async with listening(broker, "tidzam/garden/detection") as heard:
            await eventually_async(lambda: len(heard) == 60)
            await eventually_async(lambda: bounded.status.fault is None)
    running.cancel()
    await asyncio.wait([running])
    assert (bounded.status.delivered, bounded.status.dropped) == (31, 0)
    starts = [time for time, state in states(heard) if state == "start"]
    assert starts == [f"30:{number:02d}" for number in range(30)]


async def test_detections_wait_also_over_a_restart(tmp_path: Path) -> None:
    port, given = free_port(), calls(4)
    for part in (given[:2], given[2:]):
        sink = sink_to(Broker(port), tmp_path)
        await sink.open()
        for analyzed in part:
            await sink.deliver(analyzed)
        with pytest.raises(TidzamError, match="On disk"):
            await sink.close()
    with mqtt_broker(tmp_path, port=port) as broker:
        async with listening(broker, "tidzam/garden/detection") as heard:
            sink = sink_to(broker, tmp_path)
            await sink.open()
            await eventually_async(lambda: len(heard) == 8)
            await sink.close()
    assert len(states(heard)) == 8


async def test_of_the_states_only_the_newest_is_published_after_an_outage(tmp_path: Path) -> None:
    port, batches = free_port(), Batches()
    sink = sink_to(Broker(port), tmp_path)
    await sink.open()
    await sink.deliver(batches.batch(0, pond_0="birds", pond_1="frogs"))
    await sink.deliver(batches.batch(1, pond_0="birds", pond_1="birds"))
    await sink.deliver(batches.batch(2, pond_0="birds", pond_1="birds"))
    with mqtt_broker(tmp_path, port=port) as broker:
        async with listening(broker, "tidzam/garden/class/+") as heard:
            await eventually_async(lambda: len(heard) == 2)
            await sink.close()
    assert payloads(heard, "tidzam/garden/class/birds") == ["ON"]
    assert payloads(heard, "tidzam/garden/class/frogs") == ["OFF"]


async def test_what_a_broker_that_hung_may_have_taken_is_repeated_as_it_was(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        async with listening(broker, "tidzam/garden/detection") as heard:
            sink, given = sink_to(broker, tmp_path, timeout_s=0.3), calls(2)
            await sink.open()
            await sink.deliver(given[0])
            await eventually_async(lambda: len(heard) == 1)
            os.kill(broker.pid, signal.SIGSTOP)
            await sink.deliver(given[1])
            await eventually_async(lambda: sink.fault is not None)
            os.kill(broker.pid, signal.SIGCONT)
            await sink.deliver(given[2])
            await eventually_async(lambda: not spooled(tmp_path))
            await sink.close()
            await eventually_async(lambda: len(states(heard)) == 4)
    assert len({payload for _, payload, _ in heard}) == 4


async def test_a_lost_connection_is_made_again_before_the_next_detection(tmp_path: Path) -> None:
    port = free_port()
    with mqtt_broker(tmp_path, port=port) as broker:
        sink = sink_to(broker, tmp_path)
        await sink.open()
        async with listening(broker, "tidzam/garden/status") as heard:
            await eventually_async(lambda: len(heard) == 1)
    with mqtt_broker(tmp_path, port=port) as broker:
        async with listening(broker, "tidzam/garden/status") as heard:
            await eventually_async(lambda: payloads(heard, "tidzam/garden/status") == ["online"])
        await sink.close()


async def test_attempts_to_reach_a_broker_that_hangs_leave_no_connection(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        os.kill(broker.pid, signal.SIGSTOP)
        for _ in range(3):
            sink = sink_to(broker, tmp_path, timeout_s=0.2)
            await sink.open()
            await eventually_async(partial(has_fault, sink))
            await sink.close()
        await eventually_async(lambda: not connections_to(broker.port))
        await eventually_async(lambda: len(asyncio.all_tasks()) == 1)


def has_fault(sink: MqttSink) -> bool:
    return "timed out" in (sink.fault or "")


def connections_to(port: int) -> list[Any]:
    """The connections of this process."""
    return [one for one in psutil.Process().net_connections("tcp") if one.raddr and one.raddr.port == port]


def test_a_missing_package_is_named_with_its_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "aiomqtt", None)
    with pytest.raises(SetupError, match=r"needs the Python package aiomqtt.* install mqtt"):
        sink_to(Broker(1883), tmp_path)


def test_a_class_stays_present_until_its_last_detection_ends() -> None:
    batches, presence = Batches(), Presence(forget_s=60)
    presence.follow(batches.batch(0, pond_0="birds", lake_0="birds-wren").detections)
    assert presence.follow(batches.batch(1, pond_0="birds").detections)["birds"]
    assert not presence.follow(batches.last().detections)["birds"]


def test_a_detection_whose_end_was_lost_is_forgotten() -> None:
    now = [0.0]
    batches, presence = Batches(), Presence(forget_s=60, clock=lambda: now[0])
    presence.follow(batches.batch(0, pond_0="birds").detections)
    now[0] = 61.0
    other = Batches()
    other.batch(0, lake_0="birds")
    assert presence.follow(other.last().detections) == {"birds": False}
