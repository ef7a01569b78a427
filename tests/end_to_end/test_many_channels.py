"""Thirty channels of WAV and Opus, as files, over HTTP and from Icecast: a port and a mount each, with its own tone."""

from __future__ import annotations

import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.eventually import eventually
from tests.support.icecast import PASSWORD, IcecastServer, icecast_server
from tests.support.jack import jack_server
from tests.support.manager import Manager
from tests.support.recorder import record
from tests.support.sound import BASE_HZ, STEP_HZ, decode_mount, loudest_hz, write_tones
from tests.support.web import web_server
from tidzam.process import CHILD_ENV

pytestmark = pytest.mark.timeout(150)

CHANNELS, RATE_HZ, SECONDS = 30, 16000, 20
EXPECTED = [BASE_HZ + STEP_HZ * channel for channel in range(CHANNELS)]
NAMES = ("wav", "opus", "web-wav", "web-opus", "live")


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("many")
    wav, opus = folder / "tones.wav", folder / "tones.opus"
    write_tones(wav, CHANNELS, seconds=SECONDS, rate_hz=RATE_HZ)
    encode(wav, opus)
    with (
        web_server(folder) as web,
        jack_server(port_max=1024, period=2048) as jack,
        icecast_server(folder) as icecast,
        endless_stream(icecast, opus) as live,
    ):
        sources: list[dict[str, object]] = [
            {"name": "wav", "url": str(wav), "loop": True},
            {"name": "opus", "url": str(opus), "loop": True},
            {"name": "web-wav", "url": f"http://{web}/tones.wav"},
            {"name": "web-opus", "url": f"http://{web}/tones.opus"},
            {"name": "live", "url": live, "outputs": ["icecast"]},
            {"name": "some", "url": str(wav), "loop": True, "channels": "29,3,17"},
        ]
        running = Manager(folder, jack, icecast, sources, {"outputs": [], "player_timeout_s": 5})
        try:
            yield running
        finally:
            running.stop()


def encode(wav: Path, opus: Path) -> None:
    """Opus with mapping family 255: each channel for itself."""
    options = ["-c:a", "libopus", "-mapping_family", "255", "-b:a", f"{CHANNELS * 48}k", "-compression_level", "0"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(wav), *options, str(opus)], check=True)


@contextmanager
def endless_stream(icecast: IcecastServer, opus: Path) -> Iterator[str]:
    """The address of a mount where a file is heard at the speed of its own clock, again and again."""
    address = f"{icecast.settings.host}:{icecast.settings.port}/impoundment.opus"
    argv = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(opus), "-c", "copy", "-f", "ogg"]
    argv += ["-content_type", "application/ogg", f"icecast://source:{PASSWORD}@{address}"]
    source = subprocess.Popen(["setpriv", "--pdeathsig=KILL", "--", *argv])
    try:
        eventually(lambda: is_served(f"http://{address}"), what="the stream at Icecast")
        yield f"http://{address}"
    finally:
        source.kill()
        source.wait()


def is_served(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as stream:
            return bool(stream.read(4) == b"OggS")
    except OSError:
        return False


@pytest.mark.parametrize("name", NAMES)
def test_each_port_has_the_tone_of_its_channel(manager: Manager, tmp_path: Path, name: str) -> None:
    ports = [f"{name}:out_{channel}" for channel in range(CHANNELS)]
    manager.until(lambda: manager.source(name).get("ports") == ports, within_s=30)
    manager.until(lambda: heard(manager, ports, tmp_path) == EXPECTED, within_s=30)


def test_selected_channels_are_played_in_the_requested_order(manager: Manager, tmp_path: Path) -> None:
    ports = [f"some:out_{channel}" for channel in range(3)]
    manager.until(lambda: manager.source("some").get("state") == "playing", within_s=30)
    expected = [EXPECTED[channel] for channel in (29, 3, 17)]
    manager.until(lambda: heard(manager, ports, tmp_path) == expected, within_s=20)


def test_each_mount_of_a_live_stream_has_the_tone_of_its_channel(manager: Manager) -> None:
    manager.until(lambda: manager.source("live").get("bytes", 0) > 0, within_s=30)
    mounts = manager.source("live")["mounts"]
    assert len(mounts) == CHANNELS
    with ThreadPoolExecutor(8) as listeners:
        # Where the file of the stream begins again there is a click, and no single tone.
        manager.until(
            lambda: [loudest_hz(one, 44100) for one in listeners.map(decode_mount, mounts)] == EXPECTED, within_s=60
        )


def test_a_loop_a_selection_and_a_live_stream_are_no_reason_for_a_restart(manager: Manager) -> None:
    for name in ("wav", "opus", "some", "live"):
        assert manager.source(name)["restarts"] == 0, manager.log


@pytest.mark.parametrize("program", ["ffmpeg", "feeder"])
@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_a_killed_or_suspended_process_of_a_player_is_replaced(
    manager: Manager, tmp_path: Path, program: str, fault: signal.Signals
) -> None:
    ports = [f"wav:out_{channel}" for channel in range(CHANNELS)]
    others = processes(manager, "some", "feeder")
    (old,) = processes(manager, "wav", program)
    old.send_signal(fault)
    manager.until(lambda: processes(manager, "wav", program) not in ([], [old]), within_s=15)
    manager.until(lambda: heard(manager, ports, tmp_path) == EXPECTED, within_s=10)
    assert processes(manager, "some", "feeder") == others


def processes(manager: Manager, source: str, program: str) -> list[psutil.Process]:
    """The running processes of a source's player: its ffmpeg or its feeder."""
    return [child for child in manager.children() if name_of(child).startswith(f"{source} {program}")]


def name_of(child: psutil.Process) -> str:
    try:
        return "" if child.status() == psutil.STATUS_ZOMBIE else child.environ().get(CHILD_ENV, "")
    except psutil.Error:  # it has just ended
        return ""


def heard(manager: Manager, ports: list[str], folder: Path) -> list[int]:
    recording = record(manager.jack, ports, folder, seconds=0.6)
    return [loudest_hz(channel, manager.jack.rate_hz) for channel in recording.samples.T]
