"""Killed processes are replaced without an effect on other sources."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.icecast import icecast_server
from tests.support.jack import jack_server
from tests.support.manager import Manager, stream_manager
from tests.support.recorder import recorder, unbroken
from tests.support.sound import BASE_HZ, write_tones

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("faults")
    sources = [
        {"name": name, "url": str(write_tones(folder / f"{name}.flac", channels, seconds=2)), "loop": True}
        for name, channels in (("victim", 2), ("other", 1))
    ]
    with stream_manager(folder, sources, period=2048) as running:
        running.until_well()
        yield running


@pytest.mark.parametrize("program", ["mpv", "ffmpeg"])
def test_a_killed_program_of_a_source_is_replaced_and_the_other_source_has_no_gap(
    manager: Manager, tmp_path: Path, program: str
) -> None:
    mounts = manager.source("victim")["mounts"]
    manager.until_well()
    with recorder(manager.jack, ["other:out_0"], tmp_path) as recording:
        old = manager.child(program, "victim")
        old.kill()
        manager.until(lambda: manager.replaced(program, "victim", old), within_s=10)
        manager.until_well(within_s=10)
    for mount in mounts:
        with urllib.request.urlopen(mount, timeout=5) as sound:
            assert sound.read(4) == b"OggS"
    assert unbroken(recording, BASE_HZ)


def test_the_mounts_return_after_icecast_is_killed(manager: Manager) -> None:
    restarts = manager.source("victim")["restarts"]
    manager.icecast.kill()
    manager.until(lambda: "Icecast does not answer" in str(manager.health()["reasons"]), within_s=5)
    assert manager.source("victim")["state"] == "playing"
    manager.icecast.start()
    manager.until_well(within_s=10)
    assert manager.source("victim")["restarts"] == restarts


def test_the_sources_return_after_jackd_is_killed(manager: Manager) -> None:
    manager.jack.kill()
    manager.until(lambda: not manager.health()["detail"]["jack"], within_s=5)
    time.sleep(1)
    manager.jack.start()
    manager.until_well(within_s=30)


def test_a_killed_agent_does_not_affect_sources(manager: Manager) -> None:
    restarts = manager.source("victim")["restarts"]
    agent = next(child for child in manager.children() if "stream_manager.jack.agent" in child.cmdline())
    agent.kill()
    manager.until(lambda: "starting another one" in manager.log, within_s=5)
    time.sleep(1.5)
    assert manager.health()["ok"], (manager.health()["reasons"], manager.log)
    assert manager.source("victim")["restarts"] == restarts


def test_no_child_process_outlives_the_stream_manager(tmp_path: Path) -> None:
    url = str(write_tones(tmp_path / "a.flac", 2, seconds=2))
    with stream_manager(tmp_path, [{"name": "a", "url": url, "loop": True}]) as manager:
        manager.until_well()
        children = manager.children()
        assert len(children) >= 3
        manager.stop()
        assert not any(psutil.pid_exists(child.pid) for child in children)
        assert manager.process.returncode == 0


def test_a_permanent_source_is_retried_until_it_exists(tmp_path: Path) -> None:
    path = tmp_path / "late.wav"
    with stream_manager(tmp_path, [{"name": "late", "url": "http://127.0.0.1:1/late.ogg"}]) as manager:
        manager.until(lambda: manager.source("late").get("restarts", 0) >= 2, within_s=10)
        status = manager.source("late")
        assert "Connection refused" in status["last_error"]
        assert any("late" in reason for reason in manager.health()["reasons"])
        assert not path.exists()


def test_a_full_jack_server_is_reported_and_the_other_sources_play_on(tmp_path: Path) -> None:
    fits = str(write_tones(tmp_path / "fits.flac", 2, seconds=2))
    big = str(write_tones(tmp_path / "big.flac", 8, seconds=2))
    sources = [{"name": "fits", "url": fits, "loop": True}]
    with jack_server(port_max=16) as jack, icecast_server(tmp_path) as icecast:
        manager = Manager(tmp_path, jack, icecast, sources)
        try:
            manager.until_well()
            second = Manager(tmp_path, jack, icecast, [{"name": "big", "url": big, "loop": True}])
            try:
                second.until(lambda: bool(second.source("big").get("last_error")), within_s=20)
                assert "has no room for it" in second.source("big")["last_error"]
                assert manager.health()["ok"]
            finally:
                second.stop()
        finally:
            manager.stop()
