"""The analyzer's requests, event and live options as Tidzam 2019 documents them, used by the clients that users have.

One analyzer, started with the options as they are printed there, serves both clients. Rules across restarts are in
test_extraction_rules.py, the options of files in tests/analyzer.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually, eventually_async
from tests.support.jack import jack_server
from tests.support.player import playing
from tests.support.ports import free_port
from tests.support.wire_clients import WireClient, node_client, python_client

pytestmark = pytest.mark.timeout(120)

RULES = "SampleExtractionRules"
SOURCE = "impoudment-north"
CLIENTS = {"python-socketio": python_client, "socket.io-client": node_client}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an analyzer of two channels, whose command line has no clip kept of what they play."""
    folder, port = tmp_path_factory.mktemp("conformance"), free_port()
    write_tone_bundle(folder / "nn", "selector", {"birds": (3000.0,), "rain": (440.0,)})
    write_tone_bundle(folder / "nn", "birds", {"birds-canada_goose": (3000.0,), "birds-american_crow": (6000.0,)})
    options = ["-j", "impoudment-", "-n", str(folder / "nn"), "-o", str(folder / "out"), "--extract=unknown,birds-"]
    options += ["--extract-dd", "--extract-channels=1", "--overlap=0.5", f"--port={port}", "--debug=1"]
    with jack_server() as jack, playing(jack, SOURCE, 3000, 440), playing(jack, "lake", 440):
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig=TERM", "--", sys.executable, "-m", "analyzer", *options],
            env={**os.environ, **jack.env},
            stderr=(folder / "log").open("wb"),
        )
        try:
            eventually(lambda: "listens on" in (folder / "log").read_text(), what=(folder / "log").read_text)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(params=list(CLIENTS))
async def client(request: pytest.FixtureRequest, url: str) -> AsyncIterator[WireClient]:
    async with CLIENTS[request.param](url) as connected:
        yield connected


async def answer(client: WireClient, request: dict[str, Any]) -> Any:
    """What the client receives on the event on which it asked for the rules."""
    await client.emit(RULES, request)
    return await client.received(RULES)


async def analyses(client: WireClient) -> dict[str, Any]:
    """The first event `sys` with the analyses of both channels, by channel."""
    while True:
        data = await client.received("sys")
        if isinstance(data, list) and len(data) == 2:
            assert all(set(entry) == {"chan", "analysis"} for entry in data)
            return {entry["chan"]: entry["analysis"] for entry in data}


async def test_the_event_sys_at_each_analysis(client: WireClient) -> None:
    found = await analyses(client)
    assert set(found) == {f"{SOURCE}:out_0", f"{SOURCE}:out_1"}  # not the other source: --jack
    goose, rain = found[f"{SOURCE}:out_0"], found[f"{SOURCE}:out_1"]
    assert set(goose) == {"time", "result", "predicitions"}
    assert re.fullmatch(r"\d{4}(-\d\d){5}\.\d{3}", goose["time"])
    assert (goose["result"], rain["result"]) == (["birds-canada_goose"], ["rain"])
    assert set(goose["predicitions"]) == {"birds", "rain", "birds-canada_goose", "birds-american_crow"}
    assert goose["predicitions"]["birds-canada_goose"] > 0.9
    assert rain["predicitions"]["birds"] < 0.1


async def test_the_list_of_classifiers(client: WireClient) -> None:
    at_connection = await client.received("sys")
    await client.emit("sys", {"sys": {"classifier": {"list": ""}}})
    while isinstance(listed := await client.received("sys"), list):
        pass
    assert listed == at_connection == {"sys": {"classifier": {"list": ["selector", "birds"]}}}


async def test_extraction_rules_are_set_and_returned(client: WireClient) -> None:
    rules = {"source1": {"rate": "auto"}, "source2": {"rate": "0.5"}, "source3": {"rate": 0.25}}
    await answer(client, {"set": "rules", "rules": rules})
    found = (await answer(client, {"get": "rules"}))["rules"]
    assert {name: rule["rate"] for name, rule in found.items()} == {"source1": "auto", "source2": 0.5, "source3": 0.25}


async def test_rules_of_a_source_replace_those_of_the_command_line(client: WireClient) -> None:
    before = (await answer(client, {"get": "database_info"}))["database_info"]
    assert set(before) == {"birds", "birds-canada_goose", "birds-american_crow", "rain", "unknown"}
    await answer(client, {"set": "rules", "rules": {SOURCE: {"rate": "auto"}}})

    async def are_kept() -> bool:
        now = (await answer(client, {"get": "database_info"}))["database_info"]
        return bool(now["rain"] > before["rain"] and now["birds-canada_goose"] > before["birds-canada_goose"])

    await eventually_async(are_kept)
    await answer(client, {"set": "rules", "rules": {}})
