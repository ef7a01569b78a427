"""One stream manager plays every kind of stream: Icecast, playlists, HLS, RTSP and test signals, by mpv and feeder."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.support.eventually import eventually
from tests.support.icecast import PASSWORD as SOURCE_PASSWORD
from tests.support.icecast import icecast_server
from tests.support.jack import jack_server
from tests.support.manager import Manager
from tests.support.recorder import record
from tests.support.rtsp import rtsp_server
from tests.support.sound import loudest_hz
from tests.support.titles import TITLE_S, station
from tests.support.web import web_server
from tidzam.process import CHILD_ENV

pytestmark = pytest.mark.timeout(120)

PASSWORD = "secret-of-the-camera"
COUNTS = ("state", "restarts", "gaps", "underruns")
BEEP_HZ, HLS_HZ, RTSP_HZ, TITLES_HZ = 1000, 1400, 1800, 2200
FROM_BEEP = ("icecast", "icecast-mpv", "m3u", "pls")
TONES = dict.fromkeys(("beep", *FROM_BEEP), BEEP_HZ) | {
    "hls": HLS_HZ,
    "hls-mpv": HLS_HZ,
    "rtsp": RTSP_HZ,
    "rtsp-mpv": RTSP_HZ,
    "titles": TITLES_HZ,
}


def sine(frequency_hz: int, *output: str, live: bool = True) -> list[str]:
    source = f"sine=frequency={frequency_hz}:sample_rate=44100"
    return ["ffmpeg", "-v", "error", "-y", *(["-re"] if live else ["-t", "10"]), "-f", "lavfi", "-i", source, *output]


@contextmanager
def broadcasting(argv: list[str], address: str) -> Iterator[None]:
    """A program that feeds a live stream, once the stream exists at `address`."""
    process = subprocess.Popen(["setpriv", "--pdeathsig=KILL", "--", *argv])
    try:
        eventually(lambda: exists(address), what=address)
        yield
    finally:
        process.kill()
        process.wait()


def exists(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.read(1))
    except OSError:
        return False


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("kinds")
    web_folder, rtsp_folder = folder / "web", folder / "rtsp"
    web_folder.mkdir()
    rtsp_folder.mkdir()
    subprocess.run(sine(RTSP_HZ, "-ac", "2", "-c:a", "aac", str(rtsp_folder / "tone.mp4"), live=False), check=True)
    with ExitStack() as stack:
        web = f"http://{stack.enter_context(web_server(web_folder))}"
        rtsp = f"rtsp://{stack.enter_context(rtsp_server(rtsp_folder))}/tone.mp4?play_count=0"
        jack = stack.enter_context(jack_server(period=2048))
        icecast = stack.enter_context(icecast_server(folder))
        beep, hls = f"{icecast.url}/live.ogg", f"{web}/live.m3u8"
        mount = beep.replace("http://", f"icecast://source:{SOURCE_PASSWORD}@")
        to_icecast = ["-c:a", "libvorbis", "-f", "ogg", "-content_type", "audio/ogg", mount]
        stack.enter_context(broadcasting(sine(BEEP_HZ, *to_icecast), beep))
        to_hls = ["-c:a", "aac", "-f", "hls", "-hls_time", "1", "-hls_flags", "delete_segments"]
        stack.enter_context(broadcasting(sine(HLS_HZ, *to_hls, str(web_folder / "live.m3u8")), hls))
        titles = stack.enter_context(station(icecast, "/titles.ogg", frequency_hz=TITLES_HZ))
        (web_folder / "list.pls").write_text(f"[playlist]\nNumberOfEntries=1\nFile1={beep}\n")
        sources: list[dict[str, object]] = [
            {"name": "beep", "tone": {"frequency_hz": BEEP_HZ}},
            {"name": "hiss", "noise": {"channels": 2}},
            {"name": "quiet", "silence": {}},
            {"name": "icecast", "url": beep},
            {"name": "icecast-mpv", "url": beep, "player": "mpv"},
            {"name": "m3u", "url": f"{beep}.m3u"},
            {"name": "pls", "url": f"{web}/list.pls"},
            {"name": "titles", "url": titles},
            {"name": "hls", "url": hls},
            {"name": "hls-mpv", "url": hls, "player": "mpv"},
            {"name": "rtsp", "url": rtsp.replace("://", f"://listener:{PASSWORD}@")},
            {"name": "rtsp-mpv", "url": rtsp, "player": "mpv"},
        ]
        running = Manager(folder, jack, icecast, sources, {"outputs": []})
        stack.callback(running.stop)
        yield running


def test_every_kind_of_stream_plays_its_own_sound(manager: Manager, tmp_path: Path) -> None:
    manager.until(lambda: all(manager.source(name).get("state") == "playing" for name in TONES), within_s=45)
    manager.until(lambda: heard(manager, tmp_path) == TONES, within_s=30)


@pytest.mark.parametrize("name", ["icecast", "hls", "rtsp"])
def test_the_drift_of_a_stream_is_corrected_by_default(manager: Manager, name: str) -> None:
    manager.until(lambda: manager.source(name).get("state") == "playing", within_s=30)
    assert any(child.environ().get(CHILD_ENV) == f"{name} feeder" for child in manager.children())


def test_a_new_title_interrupts_nothing(manager: Manager) -> None:
    manager.until(lambda: manager.source("titles").get("state") == "playing", within_s=30)
    before = manager.source("titles")
    time.sleep(2 * TITLE_S)
    assert {name: manager.source("titles")[name] for name in COUNTS} == {name: before[name] for name in COUNTS}


def test_noise_is_independent_on_each_channel_and_silence_is_digital(manager: Manager, tmp_path: Path) -> None:
    manager.until(
        lambda: {manager.source(name).get("state") for name in ("hiss", "quiet")} <= {"playing", "silent"}, within_s=20
    )
    samples = record(manager.jack, ["hiss:out_0", "hiss:out_1", "quiet:out_0"], tmp_path, seconds=0.5).samples
    assert 20 * np.log10(np.std(samples[:, 0])) == pytest.approx(-30, abs=1)
    assert abs(np.vdot(samples[:, 0], samples[:, 1])) < 0.1 * np.vdot(samples[:, 0], samples[:, 0])
    assert not samples[:, 2].any()


def test_no_command_line_and_no_log_shows_a_password(manager: Manager) -> None:
    manager.until(lambda: manager.source("rtsp").get("state") == "playing", within_s=30)
    words = [word for child in manager.children() for word in child.cmdline()]
    assert "--client=rtsp" in words
    assert PASSWORD not in " ".join(words) + manager.log + str(manager.health())


def heard(manager: Manager, folder: Path) -> dict[str, int]:
    recording = record(manager.jack, [f"{name}:out_0" for name in TONES], folder, seconds=0.6)
    return dict(zip(TONES, (loudest_hz(channel, 44100) for channel in recording.samples.T), strict=True))
