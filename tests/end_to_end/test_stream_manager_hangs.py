"""Hung processes are detected by their lack of progress, and only they are replaced."""

from __future__ import annotations

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
import socketio
import soundfile

from tests.support.broadcast import Broadcast, broadcast
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
        time.sleep(6)  # longer than a player may stand still: none is blamed for what JACK does
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


@pytest.fixture(scope="module")
def mp3() -> bytes:
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=3", "-f", "mp3", "-"]
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=20).stdout


@pytest.fixture(scope="module")
def client(manager: Manager) -> Iterator[socketio.Client]:
    io = socketio.Client(reconnection=False)
    io.connect(manager.url)
    yield io
    io.disconnect()


def ask(client: socketio.Client, **command: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.call("sys", {"sys": command}, timeout=40)
    assert answer["ok"], answer
    return answer


@pytest.fixture(scope="module")
def streams(manager: Manager, client: socketio.Client, mp3: bytes) -> Iterator[dict[str, Broadcast]]:
    """Live streams that the client has loaded beside a silent file, `pause`. Two of them have just fallen silent."""
    manager.until_well(within_s=30)
    soundfile.write(manager.media_root / "pause.wav", 0 * tones(1, seconds=2), 44100)
    with ExitStack() as stack:
        made = {name: stack.enter_context(broadcast()) for name in ("recovers", "stays-silent", "quiet")}
        made["corrupt"] = stack.enter_context(broadcast(mp3))
        made["quiet"].content = "floor"
        ask(client, loadsource={"name": "pause", "url": "pause.wav", "loop": True})
        for name, live in made.items():
            ask(client, loadsource={"name": name, "url": live.url})
        for name in ("recovers", "stays-silent"):
            made[name].content = "zeros"
        yield made


def states_of(client: socketio.Client, name: str) -> list[str]:
    """All states that a source has had."""
    taken = ask(client, transitions={"name": name})["sys"]["transitions"]["transitions"]
    return [one["after"] for one in taken]


def test_a_digitally_silent_live_source_is_reported_until_it_has_sound_again(
    manager: Manager, streams: dict[str, Broadcast]
) -> None:
    manager.until(lambda: manager.source("recovers")["state"] == "silent", within_s=15)
    status = manager.source("recovers")
    assert (status["code"], status["ok"]) == ("source_digital_silence", False)
    streams["recovers"].content = "tone"
    manager.until(lambda: manager.source("recovers")["state"] == "playing", within_s=15)


def until_a_silent_one_is_replaced(manager: Manager) -> None:
    """That takes less time than the other sources have then played."""
    manager.until(lambda: manager.source("stays-silent")["restarts"] > 0, within_s=25)


def test_a_live_source_that_stays_digitally_silent_is_replaced(manager: Manager, streams: dict[str, Broadcast]) -> None:
    until_a_silent_one_is_replaced(manager)


def test_a_stream_of_garbage_is_silent_and_then_replaced(
    manager: Manager, streams: dict[str, Broadcast], client: socketio.Client
) -> None:
    manager.until(lambda: manager.source("corrupt")["restarts"] > 0, within_s=25)
    states = states_of(client, "corrupt")
    assert "silent" in states[: states.index("waiting")]


def test_a_very_quiet_source_is_never_silent(
    manager: Manager, streams: dict[str, Broadcast], client: socketio.Client
) -> None:
    until_a_silent_one_is_replaced(manager)
    assert states_of(client, "quiet") == ["playing"]


def test_a_silent_file_is_not_restarted(manager: Manager, streams: dict[str, Broadcast]) -> None:
    until_a_silent_one_is_replaced(manager)
    assert [manager.source("pause")[key] for key in ("state", "ok", "restarts")] == ["silent", True, 0]
