"""Recordings on a running node: listed, replayed from a date, analyzed with their own times, and followed by what
happens now."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import socketio
import soundfile

from tests.support.bundles import write_tone_bundle
from tests.support.clients import connected_to
from tests.support.eventually import eventually_async
from tests.support.node import Node, running_node
from tests.support.recordings import RATE_HZ, START, write_recording
from tests.support.sound import tone

pytestmark = pytest.mark.timeout(120)
WINDOW_S = 1.0
HOP_S = 0.5


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Live, `pond` is silent. Its recordings hold a high tone from 2 to 4 s, and a low one in the minute after."""
    folder = tmp_path_factory.mktemp("replay")
    write_tone_bundle(folder / "nn", "selector", {"low": (440.0,), "high": (3000.0,)})
    soundfile.write(folder / "quiet.wav", tone(9000, duration_s=2, amplitude=0.001), RATE_HZ)
    sound = tone(duration_s=5)
    sound[2 * RATE_HZ : 4 * RATE_HZ] = tone(3000, duration_s=2)
    write_recording(folder / "pond", sound)
    write_recording(folder / "pond", tone(440, duration_s=2), 60)
    pond = {"name": "pond", "url": str(folder / "quiet.wav"), "loop": True, "path_database": str(folder / "pond")}
    with running_node(folder, [pond], analyzer={"nn": str(folder / "nn"), "overlap": 0.5}) as node:
        yield node


async def ask(client: socketio.AsyncClient, **command: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await client.call("sys", {"sys": command}, timeout=40)
    return answer


def source(node: Node, name: str) -> dict[str, Any]:
    sources = node.health("stream_manager").get("detail", {}).get("sources", [])
    return next((one for one in sources if one["name"] == name), {})


async def test_the_recordings_are_listed(node: Node) -> None:
    async with connected_to(node.url("stream_manager")) as client:
        answer = await ask(client, database="")
    periods = [["2026-05-01-06-30-00", "2026-05-01-06-30-05"], ["2026-05-01-06-31-00", "2026-05-01-06-31-02"]]
    assert answer == {"ok": True, "sys": {"database": {"pond": {"nb_channels": 1, "database": periods}}}}


async def test_a_replay_is_analyzed_with_the_times_of_the_recordings_and_then_plays_live(node: Node) -> None:
    ended: dict[str, dict[str, Any]] = {}

    def keep(event: dict[str, Any]) -> None:
        if event["state"] == "end" and event["source"] == "past":
            ended[event["path"][-1]] = event

    async with connected_to(node.url("analyzer")) as listener, connected_to(node.url("stream_manager")) as client:
        listener.on("detection", keep)
        await listener.call("subscribe", {"events": ["detection"]}, timeout=10)
        answer = await ask(client, loadsource={"name": "past", "database": "pond", "date": "2026-05-01-06-30-01"})
        replay = answer["sys"]["loadsource"]["replay"]
        assert replay["database"] == "pond"
        await eventually_async(lambda: {"low", "high"} <= ended.keys(), within_s=40, what=lambda: str(ended))
        missing_s = source(node, "past")["gap_s_by_reason"]["recording_missing"]
        await eventually_async(lambda: source(node, "past").get("remarks") == ["reached_present"])
        assert source(node, "past")["replay"] is None
    assert missing_s == pytest.approx(55, abs=0.1)
    assert_period(ended["high"], START + timedelta(seconds=2), START + timedelta(seconds=4))
    assert_period(ended["low"], START + timedelta(seconds=60), START + timedelta(seconds=62))
    for label, seconds in (("high", 0), ("low", 60)):
        assert_same_period(ended[label], await asyncio.to_thread(analyzed_file, node, label, seconds))


def assert_period(event: dict[str, Any], start: datetime, end: datetime) -> None:
    """Whether a detection has this period, give or take a window, and an id with its date."""
    found = [datetime.fromisoformat(event[key]) for key in ("start", "end")]
    assert abs((found[0] - start).total_seconds()) <= WINDOW_S, event
    assert abs((found[1] - end).total_seconds()) <= WINDOW_S, event
    assert f"/{found[0].astimezone(UTC):%Y%m%dT%H%M}" in event["id"]


def analyzed_file(node: Node, label: str, seconds: int) -> dict[str, Any]:
    """The detection of a class in the recording that begins so many seconds after START, analyzed with `--stream`."""
    (path,) = node.profile.parent.glob(f"pond/pond-{START + timedelta(seconds=seconds):%Y-%m-%d-%H-%M-%S}.*")
    argv = [sys.executable, "-m", "analyzer", "--stream", str(path), "--profile", str(node.profile), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    (row,) = (row for row in json.loads(done.stdout)["detections"] if row["class"] == label)
    return dict(row)


def assert_same_period(event: dict[str, Any], row: dict[str, Any]) -> None:
    """Whether a live detection and one of the file agree within one hop."""
    for key in ("start", "end"):
        live, file = datetime.fromisoformat(event[key]), datetime.fromisoformat(row[key])
        assert abs((live - file).total_seconds()) <= HOP_S + 0.001, (event, row)


async def test_a_date_in_the_future_plays_live(node: Node) -> None:
    async with connected_to(node.url("stream_manager")) as client:
        answer = await ask(client, loadsource={"name": "later", "database": "pond", "date": "2999-01-01-00-00-00"})
    status = answer["sys"]["loadsource"]
    assert (status["state"], status["replay"]) == ("playing", None)
    assert Path(status["url"]).name == "quiet.wav"


async def test_an_unknown_database_is_refused_with_the_known_ones(node: Node) -> None:
    async with connected_to(node.url("stream_manager")) as client:
        answer = await ask(client, loadsource={"name": "past", "database": "pnod", "date": "2026-05-01-06-30-01"})
    assert (answer["ok"], answer["error"]["code"]) == (False, "database_unknown")
    assert "The databases are pond." in answer["error"]["message"]
