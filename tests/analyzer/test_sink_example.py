"""The example that is sent through a sink: it arrives, whatever the sink is for, and disturbs nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.eventually import eventually_async
from tests.support.mqtt import listening, mqtt_broker
from tests.support.ports import free_port
from tests.support.web_receiver import web_receiver


async def example(folder: Path, name: str, *sinks: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the command with a profile of these sinks."""
    import asyncio

    profile = folder / "profile.yaml"
    content = {"home": str(folder / "home"), "node": {"name": "garden"}, "analyzer": {"sinks": list(sinks)}}
    profile.write_text(yaml.safe_dump(content))
    argv = [sys.executable, "-m", "analyzer.sinks.example", name, "--profile", str(profile), "--json"]
    return await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, timeout=60)


async def test_a_file_holds_the_example(tmp_path: Path) -> None:
    done = await example(tmp_path, "jsonl", {"type": "jsonl", "path": "found.jsonl", "classes": ["birds"]})
    assert json.loads(done.stdout)["sink"] == "jsonl"
    (line,) = (tmp_path / "found.jsonl").read_text().splitlines()
    assert json.loads(line)["path"] == ["example"]


async def test_the_second_sink_of_a_type_has_a_number(tmp_path: Path) -> None:
    await example(tmp_path, "csv-2", {"type": "csv", "path": "a.csv"}, {"type": "csv", "path": "b.csv"})
    assert [path.name for path in (tmp_path / "a.csv", tmp_path / "b.csv") if path.exists()] == ["b.csv"]


async def test_a_sink_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    done = await example(tmp_path, "mqtt", {"type": "csv", "path": "a.csv"})
    assert done.returncode == 1
    assert "The profile has no sink 'mqtt'. Its sinks are: csv." in done.stderr


@pytest.mark.parametrize("kind", ["influxdb", "webhook", "chain"])
async def test_a_server_receives_the_example(tmp_path: Path, kind: str) -> None:
    async with web_receiver() as server:
        done = await example(tmp_path, kind, {"type": kind, "url": server.url})
    assert done.returncode == 0
    assert b"example" in server.accepted[-1].body


@pytest.mark.parametrize("kind", ["influxdb", "webhook", "chain"])
async def test_a_server_that_is_away_is_reported(tmp_path: Path, kind: str) -> None:
    done = await example(tmp_path, kind, {"type": kind, "url": f"http://127.0.0.1:{free_port()}"})
    assert done.returncode == 1
    assert "does not accept results: Cannot connect" in done.stderr


async def test_the_rules_of_notifications_do_not_withhold_it(tmp_path: Path) -> None:
    async with web_receiver() as server:
        url = server.url.replace("http", "json")
        await example(tmp_path, "notify", {"type": "notify", "urls": [url], "rules": [{"classes": ["birds"]}]})
    assert len(server.accepted) == 1


async def test_the_running_node_stays_online(tmp_path: Path) -> None:
    with mqtt_broker(tmp_path) as broker:
        async with listening(broker) as heard:
            done = await example(tmp_path, "mqtt", {"type": "mqtt", "host": "localhost", "port": broker.port})
            await eventually_async(lambda: len(heard) >= 2)
    assert done.returncode == 0
    assert {topic for topic, _, _ in heard} == {"tidzam/garden/detection"}
