"""Sources with `format: copy`: their streams arrive in Icecast as they are encoded, past JACK."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.support.icecast import icecast_server
from tests.support.jack import jack_server
from tests.support.manager import Manager, command_line
from tests.support.sound import BASE_HZ, STEP_HZ, loudest_hz, tones

pytestmark = pytest.mark.timeout(60)

CHANNELS = 30
RATE_HZ = 48000


def write_opus(path: Path, *, seconds: float) -> Path:
    """30 tones in Opus with discrete channels (mapping family 255)."""
    sound = tones(CHANNELS, seconds=seconds, rate_hz=RATE_HZ)
    raw = ["-f", "f32le", "-ar", str(RATE_HZ), "-ac", str(CHANNELS), "-i", "-"]
    options = ["-c:a", "libopus", "-mapping_family", "255", "-b:a", "1920k"]
    subprocess.run(["ffmpeg", "-v", "error", *raw, *options, str(path)], input=sound.tobytes(), check=True)
    return path


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("copy")
    bog = {"name": "bog", "url": str(write_opus(folder / "bog.opus", seconds=4)), "format": "copy", "loop": True}
    with jack_server(port_max=512) as jack, icecast_server(folder) as icecast:
        # Its mount does not exist when they start.
        relay = {"name": "relay", "url": f"{icecast.url}/bog.ogg", "channels": [2], "outputs": []}
        running = Manager(folder, jack, icecast, [relay, bog])
        try:
            running.until_well()
            yield running
        finally:
            running.stop()


def copying(manager: Manager) -> psutil.Process:
    """The ffmpeg that copies."""
    return next(child for child in manager.children() if "copy" in command_line(child))


def heard_hz(mount: str) -> list[int]:
    """The tones that a player hears on each channel of `mount`."""
    argv = ["ffmpeg", "-v", "error", "-t", "1", "-i", mount, "-f", "f32le", "-"]
    heard = subprocess.run(argv, capture_output=True, timeout=20, check=True).stdout
    samples = np.frombuffer(heard, np.float32).reshape(-1, CHANNELS)
    return [loudest_hz(channel, RATE_HZ) for channel in samples.T]


def test_all_30_channels_are_heard_on_one_mount(manager: Manager) -> None:
    (mount,) = manager.source("bog")["mounts"]
    assert mount == f"{manager.icecast.url}/bog.ogg"
    assert heard_hz(mount) == [BASE_HZ + STEP_HZ * channel for channel in range(CHANNELS)]


def test_a_source_that_plays_a_mount_of_the_same_node_waits_until_it_is_served(manager: Manager) -> None:
    relay = manager.source("relay")
    assert (relay["state"], relay["restarts"], relay["last_error"]) == ("playing", 0, None)


def test_a_killed_copy_is_started_again_while_its_listeners_stay(manager: Manager) -> None:
    (mount,) = manager.source("bog")["mounts"]
    argv = ["ffmpeg", "-v", "error", "-i", mount, "-t", "8", "-f", "null", "-"]
    with subprocess.Popen(argv) as listener:
        before = copying(manager)
        before.kill()
        manager.until(lambda: manager.source("bog")["restarts"] == 1, within_s=10)
        manager.until_well()
        assert copying(manager).pid != before.pid
        assert listener.wait(30) == 0
