"""The example that is sent through a sink: it arrives, whatever the sink is for, and disturbs nothing."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analyzer.sinks.example import send_example, sink_for_example
from tests.support.chain_server import PASSWORD, USER, chain_server
from tests.support.eventually import eventually_async
from tests.support.mqtt import listening, mqtt_broker
from tests.support.ports import free_port
from tests.support.web_receiver import web_receiver
from tidzam.config.settings import Settings
from tidzam.errors import ConfigError, TidzamError

pytestmark = pytest.mark.timeout(60)

NOW = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


async def send(folder: Path, name: str, *sinks: dict[str, Any]) -> list[str]:
    """Send an example through one of these sinks of a profile. Returns what it said it has sent."""
    content = {"home": folder / "home", "node": {"name": "garden"}, "analyzer": {"sinks": list(sinks)}}
    sent: list[str] = []
    await send_example(sink_for_example(Settings.model_validate(content), name, folder, on_sent=sent.append), NOW)
    return sent


async def test_a_file_holds_the_example(tmp_path: Path) -> None:
    path = tmp_path / "found.jsonl"
    (sent,) = await send(tmp_path, "jsonl", {"type": "jsonl", "path": path, "classes": ["birds"]})
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["path"] == ["example"]
    assert sent == f"{path} {line}"


async def test_the_second_sink_of_a_type_has_a_number(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    await send(tmp_path, "csv-2", {"type": "csv", "path": first}, {"type": "csv", "path": second})
    assert [path for path in (first, second) if path.exists()] == [second]


async def test_a_clip_of_the_example_is_kept(tmp_path: Path) -> None:
    (sent,) = await send(
        tmp_path, "clips", {"type": "clips", "folder": tmp_path / "clips", "rules": [{"classes": "birds"}]}
    )
    assert [str(path) for path in (tmp_path / "clips").rglob("*.flac")] == [sent]


async def test_a_sink_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"The profile has no sink 'mqtt'\. Its sinks are: csv, store\."):
        await send(tmp_path, "mqtt", {"type": "csv", "path": tmp_path / "a.csv"})


@pytest.mark.parametrize("kind", ["influxdb", "webhook"])
async def test_a_server_receives_the_example(tmp_path: Path, kind: str) -> None:
    async with web_receiver() as server:
        (*_, sent) = await send(tmp_path, kind, {"type": kind, "url": server.url})
    assert b"example" in server.accepted[-1].body
    assert sent == f"POST {server.url} {server.accepted[-1].body.decode()}"


async def test_the_chain_api_has_a_sensor_of_the_example(tmp_path: Path) -> None:
    async with chain_server(NOW) as server:
        sent = await send(tmp_path, "chain", {"type": "chain", "url": server.url, "user": USER, "password": PASSWORD})
    assert [value for _, value in server.values("garden/example/out_0", "example")] == [1.0]
    assert [re.split(r"[ ?]", line)[1] for line in sent] == [f"{server.url}{path}" for path in server.posts]
    assert PASSWORD not in str(sent)


@pytest.mark.parametrize("kind", ["influxdb", "webhook", "chain"])
async def test_a_server_that_is_away_is_reported(tmp_path: Path, kind: str) -> None:
    with pytest.raises(TidzamError, match="does not accept results: Cannot connect"):
        await send(tmp_path, kind, {"type": kind, "url": f"http://127.0.0.1:{free_port()}"})


async def test_the_rules_of_notifications_do_not_withhold_it(tmp_path: Path) -> None:
    async with web_receiver() as server:
        url = server.url.replace("http", "json")
        sent = await send(tmp_path, "notify", {"type": "notify", "urls": [url], "rules": [{"classes": ["birds"]}]})
    assert len(server.accepted) == 1
    assert [line.partition(": ")[0] for line in sent] == ["address 1"]


async def test_the_running_node_stays_online(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        async with listening(broker) as heard:
            sent = await send(tmp_path, "mqtt", {"type": "mqtt", "host": "localhost", "port": broker.port})
            await eventually_async(lambda: len(heard) >= 2)
    assert {topic for topic, _, _ in heard} == {"tidzam/garden/detection"}
    assert sent == [f"{topic} {payload}" for topic, payload, _ in heard]


def test_the_command_says_what_happened(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("analyzer: {sinks: [{type: csv, path: found.csv}]}")
    argv = [sys.executable, "-m", "analyzer.sinks.example", "csv", "--profile", str(tmp_path / "profile.yaml")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    first, second = done.stdout.splitlines()
    assert first.startswith("The sink csv took an example detection of the class example in ")
    assert second.startswith(f"  {tmp_path / 'found.csv'} example:out_0,,,")
