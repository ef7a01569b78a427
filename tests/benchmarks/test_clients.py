"""The benchmark of misbehaving clients: which events count as missed, and what its crowd does."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.clients import HOP_S, ReceivedEvents
from tests.support.eventually import eventually_async
from tests.support.server import client, serving
from tidzam.config.settings import LimitSettings
from tidzam.server import Right


def event(channel: str, window: int) -> dict[str, Any]:
    start = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=window * HOP_S)
    return {
        "source": "pond",
        "channel": channel,
        "start": start.isoformat(),
        "end": (start + timedelta(seconds=1)).isoformat(),
        "result": ["birds"],
        "paths": [["birds"]],
        "predictions": {"birds": 0.9},
        "level_dbfs": -20.0,
        "gap_frames": 0,
    }


def test_windows_that_did_not_come_are_counted_per_channel() -> None:
    heard = ReceivedEvents()
    for window in (0, 1, 3, 4, 7):
        heard.add(event("pond:out_0", window))
    for window in (5, 6):
        heard.add(event("pond:out_1", window))
    assert heard.missed() == 3
    assert len(heard.late_ms) == 7


@pytest.mark.timeout(90)
async def test_a_server_bears_the_crowd_and_a_client_misses_nothing() -> None:
    """All misbehaving clients together, without audio: a server's events to one client arrive complete and in order."""
    async with serving(limits=LimitSettings(stalled_s=1.0)) as place, client(place) as friend:
        heard: list[int] = []
        friend.on("news", lambda data: heard.append(data))
        place.server.on("subscribe", place.change, needs=Right.LISTEN)
        place.server.on("sys", place.read, needs=Right.LISTEN)
        crowd = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.crowd", place.url, stdout=subprocess.PIPE
        )
        try:
            assert crowd.stdout is not None
            assert await asyncio.wait_for(crowd.stdout.readline(), 40) == b"ready\n"
            for number in range(60):
                await place.server.emit("news", number)
                await asyncio.sleep(0.05)
            crowd.terminate()
            counts = json.loads(await asyncio.wait_for(crowd.stdout.readline(), 20))
        finally:
            if crowd.returncode is None:
                crowd.kill()
            await crowd.wait()
        await eventually_async(lambda: len(heard) >= 60, within_s=10)
        assert heard == list(range(60))
        assert counts["idle"] == 300
        assert counts["loris_opened"] >= 500
        assert counts["flood_messages"] > 100
        assert (await friend.call("read", 1))["ok"]
