"""A source's way to Icecast."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from stream_manager.icecast import Icecast
from stream_manager.jack_graph import JackGraph
from stream_manager.pusher import push
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
