"""The output to Icecast."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from stream_manager.outputs.icecast import START_S, IcecastOutput
from tests.support.eventually import eventually_async
from tests.support.services import services, source_settings

pytestmark = pytest.mark.timeout(20)


async def test_a_missing_ffmpeg_is_reported_and_its_start_is_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "setpriv").symlink_to(str(shutil.which("setpriv")))
    monkeypatch.setenv("PATH", str(tmp_path))
    running = asyncio.create_task(IcecastOutput(source_settings(), 1, services()).run())
    await eventually_async(lambda: "ffmpeg is not installed" in caplog.text)
    started = tmp_path / "started"
    (tmp_path / "ffmpeg").write_text(f"#!/bin/sh\n: > '{started}'\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    await eventually_async(started.exists)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_only_two_encoders_start_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text(f"#!/bin/sh\ndate +%s.%N >> '{tmp_path / 'starts'}'\nexec sleep 30\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    shared = services()
    running = [asyncio.create_task(IcecastOutput(source_settings(name), 1, shared).run()) for name in ("a", "b", "c")]
    starts: list[float] = []
    while len(starts) < 3:
        await asyncio.sleep(0.05)
        if (tmp_path / "starts").exists():
            starts = sorted(map(float, (tmp_path / "starts").read_text().split()))
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    assert starts[2] - starts[0] > 0.8 * START_S
