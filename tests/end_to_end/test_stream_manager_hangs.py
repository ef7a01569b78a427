"""Hung processes are detected by their lack of progress, and only they are replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import soundfile

from tests.support.broadcast import broadcast
from tests.support.clients import connected
from tests.support.manager import Manager, stream_manager
from tests.support.recorder import recorder, unbroken
from tests.support.sound import BASE_HZ, tones, write_tones

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("hangs")
    sources = [
        {"name": name, "url": str(write_tones(folder / f"{name}.flac", 1, seconds=2)), "loop": True}
        for name in ("victim", "other")
    ]
    healing = {"no_data_timeout_s": 6, "unhealthy_timeout_s": 6}
    limits: dict[str, Any] = {"player_timeout_s": 5, "silent_after_s": 2, "healing": healing}
    with stream_manager(folder, sources, period=2048, **limits) as running:
        running.until_well()
        yield running


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """SIGSTOP while the context is open, unless they are replaced in the meantime."""
    with ExitStack() as ends:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            ends.callback(_go_on, pid)
        yield


def _go_on(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def agent(manager: Manager) -> psutil.Process:
    return next(child for child in manager.children() if "stream_manager.jack.agent" in child.cmdline())


def restarts(manager: Manager) -> list[int]:
    return [manager.source(name)["restarts"] for name in ("victim", "other")]


def test_a_stopped_player_is_replaced_and_the_other_source_has_no_gap(manager: Manager, tmp_path: Path) -> None:
    manager.until_well()
    victims, others = restarts(manager)
    old = manager.child("mpv", "victim")
    with recorder(manager.jack, ["other:out_0"], tmp_path) as recording, stopped(old.pid):
        healed_s = manager.until(lambda: manager.replaced("mpv", "victim", old), within_s=12)
        assert healed_s + manager.until_well() < 12
    assert manager.source("victim")["code"] == "source_player_hung"
    assert restarts(manager) == [victims + 1, others]
    assert unbroken(recording, BASE_HZ)


def test_a_stopped_agent_is_replaced_within_10_s_and_does_not_affect_sources(manager: Manager) -> None:
    before = restarts(manager)
    old = agent(manager)
    with stopped(old.pid):
        manager.until(lambda: not psutil.pid_exists(old.pid), within_s=10)
    manager.until_well(within_s=10)
    assert restarts(manager) == before


def test_a_stopped_jackd_is_reported_within_5_s_and_sources_play_on_afterwards(manager: Manager) -> None:
    before = restarts(manager)
    with stopped(manager.jack.pid):
        manager.until(lambda: not manager.health()["detail"]["jack"], within_s=5)
        faults = manager.health()["detail"]["faults"]
        assert [fault["code"] for fault in faults if fault["origin"] == "jack"] == ["jack_stalled"]
        time.sleep(8)  # longer than a player or an encoder may stand still: none is blamed for what JACK does
    manager.until_well(within_s=25)
    assert restarts(manager) == before
    # ffmpeg gives up by itself two seconds after JACK's last cycle, and is started again once there are cycles.
    manager.until(lambda: bool(manager.running("ffmpeg", "victim")), within_s=10)


def test_the_sources_return_after_a_stopped_jackd_is_replaced(manager: Manager) -> None:
    with stopped(manager.jack.pid):
        manager.until(lambda: not manager.health()["detail"]["jack"], within_s=5)
        manager.jack.kill()
    manager.jack.start()
    manager.until_well(within_s=30)


async def test_a_digitally_silent_live_source_is_reported_and_then_replaced(manager: Manager) -> None:
    with broadcast() as live:
        async with connected(manager) as client:
            assert (await client.load("live", live.url))["ok"]
            live.content = "zeros"
            manager.until(lambda: manager.source("live")["state"] == "silent", within_s=15)
            assert manager.source("live")["code"] == "source_digital_silence"
            assert not manager.source("live")["ok"]
            live.content = "tone"
            manager.until(lambda: manager.source("live")["state"] == "playing", within_s=15)
            restarted = manager.source("live")["restarts"]
            live.content = "zeros"
            manager.until(lambda: manager.source("live")["restarts"] > restarted, within_s=25)


async def test_a_very_quiet_source_is_not_silent_and_a_silent_file_is_not_restarted(manager: Manager) -> None:
    soundfile.write(manager.media_root / "pause.wav", 0 * tones(1, seconds=2), 44100)
    with broadcast() as live:
        live.content = "floor"
        async with connected(manager) as client:
            assert (await client.load("quiet", live.url))["ok"]
            assert (await client.load("pause", "pause.wav", loop=True))["ok"]
            manager.until(lambda: manager.source("pause")["state"] == "silent", within_s=10)
            await asyncio.sleep(7)  # longer than a live source may be silent
            assert manager.source("quiet")["state"] == "playing"
            assert [manager.source("pause")[key] for key in ("state", "ok", "restarts")] == ["silent", True, 0]


@pytest.fixture
def mp3() -> bytes:
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=3", "-f", "mp3", "-"]
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=20).stdout


async def test_a_stream_of_garbage_is_silent_and_then_replaced(manager: Manager, mp3: bytes) -> None:
    with broadcast(mp3) as live:
        async with connected(manager) as client:
            assert (await client.load("live", live.url))["ok"]
            manager.until(lambda: manager.source("live")["state"] == "silent", within_s=15)
            manager.until(lambda: manager.source("live")["restarts"] >= 1, within_s=20)
