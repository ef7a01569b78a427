"""A source of 8 kHz from mpv through a real jackd to the analyzer: it is resampled, and named as what it is."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import socketio
import soundfile

from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually_async
from tests.support.icecast import icecast_server
from tests.support.jack import jack_server
from tests.support.manager import Manager
from tests.support.ports import free_port
from tests.support.sound import tone

pytestmark = pytest.mark.timeout(120)


@contextmanager
def running_analyzer(profile: Path, env: dict[str, str], *options: str) -> Iterator[None]:
    program = [sys.executable, "-m", "analyzer", "--profile", str(profile), *options]
    argv = ["setpriv", "--pdeathsig=TERM", "--", *program]
    process = subprocess.Popen(argv, env={**os.environ, **env}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return "{}"


async def has_state(url: str, channel: str, state: str) -> bool:
    return await asyncio.to_thread(_state, url, channel) == state


async def test_a_live_source_of_8_khz_is_named_band_limited_and_with_strict_not_classified(tmp_path: Path) -> None:
    write_tone_bundle(tmp_path / "nn", "selector", {"low": (440.0,), "high": (3000.0,)})
    sources = []
    for name, rate_hz in (("phone", 8000), ("field", 48000)):
        soundfile.write(tmp_path / f"{name}.wav", tone(440.0, rate_hz=rate_hz, duration_s=2), rate_hz)
        sources.append({"name": name, "url": str(tmp_path / f"{name}.wav"), "loop": True, "is_permanent": True})
    port = free_port()
    section = {"port": port, "nn": str(tmp_path / "nn"), "jack": ["*:out_*"], "overlap": 0.5}
    with jack_server() as jack, icecast_server(tmp_path) as icecast:
        manager = Manager(tmp_path, jack, icecast, sources, sections={"analyzer": section})
        try:
            with running_analyzer(tmp_path / "profile.yaml", {**jack.env}):
                narrow = await _heard(f"http://127.0.0.1:{port}")
            assert (narrow["result"], narrow["left_out"]) == (["low"], [])
            with running_analyzer(
                tmp_path / "profile.yaml", {**jack.env}, "--strict"
            ):  # it is reported to this one, too
                narrow = await _heard(f"http://127.0.0.1:{port}")
            assert (narrow["result"], narrow["left_out"], narrow["predictions"]) == (["unknown"], ["selector"], {})
        finally:
            manager.stop()


async def _heard(url: str) -> dict[str, Any]:
    """The last analysis of the source of 8 kHz, after checks of all that does not depend on the settings."""
    heard: dict[str, list[dict[str, Any]]] = {}
    frozen: dict[str, list[dict[str, Any]]] = {}
    await eventually_async(lambda: has_state(url, "phone:out_0", "band_limited"))
    await eventually_async(lambda: has_state(url, "field:out_0", "listening"))
    client = socketio.AsyncClient()
    client.on("analysis", lambda event: heard.setdefault(event["channel"], []).append(event))

    def on_sys(data: object) -> None:
        for one in _channels(data):
            frozen.setdefault(one["chan"], []).append(one["analysis"])

    client.on("sys", on_sys)
    await client.connect(url)
    try:
        await client.emit("subscribe", {"events": ["analysis"]})
        await eventually_async(lambda: len(heard.get("phone:out_0", [])) > 2 and len(heard.get("field:out_0", [])) > 2)
        await eventually_async(lambda: "phone:out_0" in frozen)
    finally:
        await client.disconnect()
    assert {(tuple(e["result"]), e["state"]) for e in heard["field:out_0"]} == {(("low",), "listening")}
    narrow = heard["phone:out_0"][-1]
    assert narrow["state"] == "band_limited"
    assert {key for entry in frozen["phone:out_0"] for key in entry} == {"time", "result", "predicitions"}
    health = json.loads(get(f"{url}/healthz"))
    assert health["ok"], health
    lacks = "phone:out_0 is band limited: it lacks 62 % of the band of classifier selector"
    assert any(lacks in reason for reason in health["reasons"])
    assert 'tidzam_analyzer_channel_states{state="band_limited"} 1.0' in get(f"{url}/metrics")
    return narrow


def _channels(data: Any) -> list[dict[str, Any]]:
    return data if isinstance(data, list) else []


def _state(url: str, channel: str) -> str | None:
    states = json.loads(get(f"{url}/healthz")).get("detail", {}).get("channel_states", [])
    return next((str(one["state"]) for one in states if one["channel"] == channel), None)
