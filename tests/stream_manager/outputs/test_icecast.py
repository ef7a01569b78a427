"""A source's way to Icecast."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from stream_manager.icecast import Icecast
from stream_manager.jack_graph import JackGraph
from stream_manager.outputs.icecast import START_S, push
from tidzam.config.settings import IcecastSettings

pytestmark = pytest.mark.timeout(20)


async def test_what_keeps_ffmpeg_from_starting_is_told_and_it_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "setpriv").symlink_to(str(shutil.which("setpriv")))
    monkeypatch.setenv("PATH", str(tmp_path))
    graph = JackGraph("none", expected_rate_hz=44100)
    graph.rate_hz = 44100
    pushing = asyncio.create_task(push("pond", 1, graph, Icecast(IcecastSettings(), "secret", "other"), {}))
    while "ffmpeg is not installed" not in caplog.text:  # noqa: ASYNC110  a program is waited for
        await asyncio.sleep(0.01)
    started = tmp_path / "started"
    (tmp_path / "ffmpeg").write_text(f"#!/bin/sh\n: > '{started}'\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    while not started.exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    pushing.cancel()
    await asyncio.wait([pushing])
    assert pushing.cancelled()


async def test_only_two_encoders_start_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text(f"#!/bin/sh\ndate +%s.%N >> '{tmp_path / 'starts'}'\nexec sleep 30\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    graph = JackGraph("none", expected_rate_hz=44100)
    graph.rate_hz = 44100
    icecast = Icecast(IcecastSettings(), "secret", "other")
    pushing = [asyncio.create_task(push(name, 1, graph, icecast, {})) for name in ("a", "b", "c")]
    starts: list[float] = []
    while len(starts) < 3:
        await asyncio.sleep(0.05)
        if (tmp_path / "starts").exists():
            starts = sorted(map(float, (tmp_path / "starts").read_text().split()))
    for task in pushing:
        task.cancel()
    await asyncio.wait(pushing)
    assert starts[2] - starts[0] > 0.8 * START_S
