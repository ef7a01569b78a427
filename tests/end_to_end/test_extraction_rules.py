"""The requests for extraction rules as Tidzam 2019 documents them, sent to the analyzer by the clients that users have.

No JACK server runs: rules are answered at all times.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.wire_clients import WireClient, node_client, python_client

pytestmark = pytest.mark.timeout(120)

EVENT = "SampleExtractionRules"
RULES = {"source1": {"rate": "auto"}, "source2": {"rate": 0.5}}
CLIENTS = {"python-socketio": python_client, "socket.io-client": node_client}


@contextmanager
def analyzer(folder: Path) -> Iterator[str]:
    """The address of an analyzer that keeps clips in `folder`."""
    port = free_port()
    options = ["--jack=source", f"--nn={folder / 'nn'}", f"--out={folder / 'clips'}", f"--port={port}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "analyzer", *options],
        env={**os.environ, "JACK_DEFAULT_SERVER": "nobody-runs-this"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = process.stderr
        assert lines is not None
        eventually(lambda: "listens on" in lines.readline(), within_s=30)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


async def answer(client: WireClient, request: dict[str, Any]) -> Any:
    await client.emit(EVENT, request)
    return await client.received(EVENT)


@pytest.mark.parametrize("connect", CLIENTS.values(), ids=CLIENTS)
async def test_extraction_rules_are_set_and_kept_across_restarts(connect: Any, tmp_path: Path) -> None:
    write_tone_bundle(tmp_path / "nn", "selector", {"low": (440.0,), "high": (3000.0,)})
    (tmp_path / "clips" / "low").mkdir(parents=True)
    (tmp_path / "clips" / "low" / "a.wav").touch()
    with analyzer(tmp_path) as url:
        async with connect(url) as client:
            assert await answer(client, {"get": "rules"}) == {"rules": {}}
            await answer(client, {"set": "rules", "rules": RULES})
    with analyzer(tmp_path) as url:
        async with connect(url) as client:
            rules = (await answer(client, {"get": "rules"}))["rules"]
            assert {key: {"rate": rule["rate"]} for key, rule in rules.items()} == RULES
            counts = {"low": 1, "high": 0, "unknown": 0}
            assert await answer(client, {"get": "database_info"}) == {"database_info": counts}
