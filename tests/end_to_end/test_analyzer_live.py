"""`python -m analyzer` as its users run it: a process on a real jackd, with a Socket.IO client."""

import asyncio
import base64
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import socketio

from tests.support import hostile
from tests.support.bad_sounds import BAD_SOUNDS
from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually_async
from tests.support.frame_codes import NOISE
from tests.support.jack import JackServer, jack_server
from tests.support.novelty import novelty_bundle
from tests.support.player import playing
from tests.support.ports import free_port
from tidzam.protocol.spectrogram import BANDS

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    """A selector of a `low` tone (440 Hz) and a `high` one (3 kHz)."""
    write_tone_bundle(tmp_path / "nn", "selector", {"low": (440.0,), "high": (3000.0,)})
    return tmp_path / "nn"


@pytest.fixture
def server() -> Iterator[JackServer]:
    with jack_server(rate_hz=48000) as running:
        yield running


class Program:
    """The analyzer's process, and a client that keeps the results of each channel."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self._port = process, port
        self.client = socketio.AsyncClient()
        self.results: dict[str, list[list[str]]] = {}
        self.client.on("sys", self._keep)
        self.spectrograms: dict[str, bytes] = {}
        """The last columns of each channel."""
        self.client.on("spectrogram", self._keep_spectrograms)

    def _keep(self, data: Any) -> None:
        for item in data if isinstance(data, list) else []:
            self.results.setdefault(item["chan"], []).append(item["analysis"]["result"])

    def _keep_spectrograms(self, data: Any) -> None:
        self.spectrograms |= {one["channel"]: base64.b64decode(one["columns"]) for one in data["channels"]}

    def loudest_band(self, channel: str) -> int | None:
        """The band of its tone, once there is a column that holds more than silence."""
        column = self.spectrograms.get(channel, b"")[:BANDS]
        return column.index(max(column)) if column and max(column) > 1 else None

    async def connect(self) -> None:
        await self.client.connect(f"http://127.0.0.1:{self._port}", transports=["websocket"], wait_timeout=10)

    async def health(self) -> dict[str, Any]:
        return await asyncio.to_thread(self._health)

    def _health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/healthz", timeout=5) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            body = error.read()
        return dict(json.loads(body))

    async def until(self, channel: str, result: list[str], *, within_s: float = 15) -> None:
        """Wait for a new event of `channel` with `result`."""
        seen = len(self.results.get(channel, []))
        await eventually_async(lambda: result in self.results.get(channel, [])[seen:], within_s=within_s)

    async def until_health(self, true: Callable[[dict[str, Any]], bool], *, within_s: float = 15) -> dict[str, Any]:
        """The first health for which `true` holds."""
        async with asyncio.timeout(within_s):
            while not true(health := await self.health()):  # noqa: ASYNC110  another process is what is waited for
                await asyncio.sleep(0.1)
        return health


@asynccontextmanager
async def analyzer(server_env: dict[str, str], *options: str) -> AsyncIterator[Program]:
    port = free_port()
    process = subprocess.Popen(  # noqa: ASYNC220  nothing else runs in the meantime
        [sys.executable, "-m", "analyzer", f"--port={port}", *options],
        env={**os.environ, **server_env},
        stderr=subprocess.PIPE,
        text=True,
    )
    program = Program(process, port)
    try:
        async with asyncio.timeout(15):
            while True:
                try:
                    await program.health()
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        await program.connect()
        yield program
    finally:
        await program.client.disconnect()
        process.terminate()
        process.communicate(timeout=5)


async def test_each_channel_is_classified_by_its_own_audio(server: JackServer, bundles: Path) -> None:
    with playing(server, "pond", 440, 3000):
        async with analyzer(server.env, "--jack=pond:", f"--nn={bundles}", "--overlap=0.5") as program:
            await program.until("pond:out_0", ["low"])
            await program.until("pond:out_1", ["high"])
            health = await program.health()
            assert health["ok"], health
            assert health["detail"]["channels"] == ["pond:out_0", "pond:out_1"]
            assert health["detail"]["classifiers"] == ["selector"]
            await program.client.call("subscribe", {"events": ["spectrogram"]})
            await eventually_async(lambda: program.loudest_band("pond:out_0") in (8, 9), what="440 Hz is drawn")
            await eventually_async(lambda: program.loudest_band("pond:out_1") in (35, 36), what="3 kHz is drawn")
            assert health["detail"]["rate_hz"] == 48000
            ending = time.monotonic()
            program.process.terminate()
            assert program.process.wait(5) == 0
            assert time.monotonic() - ending < 3


async def test_kill_9_of_capture_and_of_jackd_heals_while_the_client_stays(server: JackServer, bundles: Path) -> None:
    async with analyzer(server.env, "--jack=pond,lake", f"--nn={bundles}", "--overlap=0.5") as program:
        with playing(server, "pond", 440):
            await program.until("pond:out_0", ["low"])
            health = await program.health()
            os.kill(health["detail"]["capture_pid"], signal.SIGKILL)
            await program.until_health(lambda health: not health["ok"])
            await program.until("pond:out_0", ["low"], within_s=10)
            assert (await program.health())["detail"]["lost_frames"] > 0
            server.kill()
            reasons = (await program.until_health(lambda health: not health["ok"]))["reasons"]
            assert reasons
        server.start()
        with playing(server, "lake", 3000):
            await program.until("lake:out_0", ["high"], within_s=20)
            assert (await program.until_health(lambda health: health["ok"]))["detail"]["channels"] == ["lake:out_0"]


async def test_without_a_jack_server_it_reports_a_fault_and_waits(bundles: Path) -> None:
    async with analyzer({"JACK_DEFAULT_SERVER": "nobody-runs-this"}, "--jack=x", f"--nn={bundles}") as program:
        await program.until_health(lambda health: "jackd" in " ".join(health["reasons"]))
        assert program.process.poll() is None


async def test_a_rate_too_low_for_the_classifiers_is_refused_with_strict(bundles: Path) -> None:
    with jack_server(rate_hz=16000) as server, playing(server, "pond", 440):
        async with analyzer(server.env, "--jack=pond", f"--nn={bundles}") as program:
            await program.until("pond:out_0", ["low"])
            await program.until_health(lambda health: "lacks 24 % of the band" in " ".join(health["reasons"]))
        async with analyzer(server.env, "--jack=pond", f"--nn={bundles}", "--strict") as program:
            await program.until_health(lambda health: "16000 Hz" in " ".join(health["reasons"]))


def clip_fault(health: dict[str, Any]) -> str | None:
    return next((sink["fault"] for sink in health["detail"]["sinks"] if sink["name"] == "clips"), None)


async def test_clips_are_kept_where_asked_once_that_can_be_written(
    server: JackServer, bundles: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "clips"
    blocked.touch()  # a file, so that no folder can be made
    options = [f"--out={tmp_path / 'clips'}", "--extract=low", "--no-extract-dd"]
    with playing(server, "pond", 440, 3000):
        async with analyzer(server.env, "--jack=pond", f"--nn={bundles}", *options) as program:
            named: list[str | None] = []
            program.client.on("detection", lambda data: named.append(data["clip"]))
            await program.client.call("subscribe", {"events": ["detection"], "classes": ["low"]})
            health = await program.until_health(lambda health: clip_fault(health) is not None)
            assert "cannot be written" in str(clip_fault(health))
            named.clear()  # the first clip was named before it was lost
            await program.until("pond:out_0", ["low"])
            await program.until("pond:out_0", ["low"])
            assert set(named) <= {None}
            blocked.unlink()
            await eventually_async(lambda: any((tmp_path / "clips" / str(name)).is_file() for name in named))
            assert clip_fault(await program.health()) is None
    clips = list((tmp_path / "clips").rglob("*.flac"))
    assert clips
    assert {clip.parent.name for clip in clips} == {"low"}


async def test_bad_sound_costs_no_other_channel_anything(server: JackServer, bundles: Path) -> None:
    with playing(server, "pond", 3000, *BAD_SOUNDS):
        async with analyzer(server.env, "--jack=pond:", f"--nn={bundles}", "--overlap=0.5") as program:
            scores: dict[str, set[float]] = {}
            program.client.on("analysis", lambda data: scores.setdefault(data["channel"], set()).update(numbers(data)))
            await program.client.call("subscribe", {"events": ["analysis"]})
            await program.until("pond:out_0", ["high"])
            await eventually_async(lambda: len(scores) == 1 + len(BAD_SOUNDS))
            await program.until("pond:out_0", ["high"])
            health = await program.health()
    assert all(math.isfinite(score) for found in scores.values() for score in found)
    assert {tuple(result) for result in program.results["pond:out_0"]} == {("high",)}
    assert health["ok"], health
    assert health["detail"]["replaced_samples"] > 0
    assert any("pond:out_1, pond:out_2, pond:out_3, pond:out_4 carries" in reason for reason in health["reasons"])


def numbers(event: dict[str, Any]) -> list[float]:
    """All scores in an event; a number that JSON does not have, as Python reads it, is among them."""
    return [*event["predictions"].values(), *event["remainders"].values(), event["level_dbfs"]]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "analyzer", *options], capture_output=True, text=True, timeout=30)


def test_a_port_in_use_is_reported_in_one_line(bundles: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        done = run("--jack=x", f"--nn={bundles}", f"--port={port}")
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "--stream"),
        (["--jack=a", "--stream=b.wav"], 2, "exclude"),
        (["--jack=a", "--overlap=1"], 2, "--overlap"),
        (["--jack=a", "--nn=/nowhere"], 1, "/nowhere"),
        (["--jack=a", "--chainAPI=u:p@h:x"], 1, "--chainAPI"),
        (["--profile=/nowhere.yaml"], 1, "/nowhere.yaml"),
    ],
)
def test_invalid_options_are_reported_without_a_traceback(options: list[str], code: int, message: str) -> None:
    done = run(*options)
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


def test_the_live_analyzer_needs_no_tensorflow() -> None:
    imports = "import sys, analyzer.__main__, analyzer.app, analyzer.capture.__main__"
    script = f"{imports}; print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_unusual_sound_is_detected_beside_the_classes_with_its_score(server: JackServer, tmp_path: Path) -> None:
    bundle = novelty_bundle(tmp_path, rate_hz=48000)
    assert bundle.manifest.novelty is not None
    threshold = bundle.manifest.novelty.threshold
    write_tone_bundle(tmp_path / "nn", "selector", {"low": (440.0,)})
    windows: dict[str, list[dict[str, Any]]] = {"pond:out_0": [], "lake:out_0": []}
    novel: list[dict[str, Any]] = []
    with playing(server, "pond", NOISE):
        async with analyzer(
            server.env, "--jack=pond,lake", f"--nn={tmp_path / 'nn'}", f"--novelty={bundle.folder}"
        ) as program:
            program.client.on("analysis", lambda data: windows[data["channel"]].append(data))
            program.client.on("detection", lambda data: novel.append(data) if data["path"] == ["novel"] else None)
            await program.client.call("subscribe", {"events": ["analysis", "detection"]})
            await eventually_async(
                lambda: any(one["scores"].get("noise", 1.0) < threshold for one in windows["pond:out_0"])
            )
            with playing(server, "lake", 440):
                await eventually_async(
                    lambda: any(one["channel"] == "lake:out_0" and one["windows"] > 1 for one in novel)
                )
    foreign = [one["scores"]["noise"] for one in windows["lake:out_0"] if one["scores"]]
    found = [one for one in novel if one["channel"] == "lake:out_0"][-1]
    assert found["peak_scores"]["noise"] in foreign
    assert found["peak_scores"]["noise"] > threshold
    assert ["low"] in [one["result"] for one in windows["lake:out_0"]]


async def test_a_network_that_fails_on_sound_is_named_and_listening_goes_on(server: JackServer, tmp_path: Path) -> None:
    hostile.write_network(tmp_path, hostile.wrong_when_loud(float("inf")))
    with playing(server, "pond", 440):
        async with analyzer(server.env, "--jack=pond:", f"--nn={tmp_path}") as program:
            await program.until("pond:out_0", ["unknown"])
            health = await program.until_health(lambda health: not health["ok"])
            (fault,) = health["detail"]["faults"]
            assert (fault["code"], fault["origin"]) == ("classifier", "bundle")
            assert health["detail"]["classifier_errors"]["selector"] > 0
            assert "selector returns inf" in health["reasons"][0]
            await program.until("pond:out_0", ["unknown"])
            assert json.loads(json.dumps(health), parse_constant=pytest.fail)
