"""Icecast mounts while Icecast, encoders and listeners restart."""

from __future__ import annotations

import signal
import subprocess
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

from tests.support.icecast import ADMIN_PASSWORD, PASSWORD
from tests.support.manager import Manager, stream_manager
from tests.support.sound import write_tones

pytestmark = pytest.mark.timeout(90)
SILENCE_S = 6.0


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("relay")
    sources = [
        {"name": name, "url": str(write_tones(folder / f"{name}.flac", 2, seconds=2)), "loop": True}
        for name in ("pond", "wood", "farm")
    ]
    # Less than by default, as a test waits for it.
    with stream_manager(folder, sources, sections={"icecast": {"silence_timeout_s": SILENCE_S}}) as running:
        running.until_well()
        yield running


def encoders(manager: Manager) -> dict[str, int]:
    return {name: manager.child("ffmpeg", name).pid for name in ("pond", "wood", "farm")}


def decodes(mount: str) -> bool:
    """Whether a player that connects now plays two seconds without an error."""
    argv = ["ffmpeg", "-v", "warning", "-t", "2", "-i", mount, "-f", "null", "-"]
    heard = subprocess.run(argv, timeout=20, check=False, capture_output=True, text=True)
    return heard.returncode == 0 and not heard.stderr


def test_every_mount_can_be_listened_to(manager: Manager) -> None:
    for name in ("pond", "wood", "farm"):
        for mount in manager.source(name)["mounts"]:
            assert decodes(mount)


def test_no_command_line_and_no_environment_of_a_child_shows_a_password(manager: Manager) -> None:
    words = [word for child in manager.children() for word in (*child.cmdline(), *child.environ().values())]
    assert any("pond-ice" in word for word in words)
    assert not [word for word in words if PASSWORD in word or ADMIN_PASSWORD in word]


def test_encoders_outlive_icecast_and_their_mounts_return(manager: Manager) -> None:
    before = encoders(manager)
    manager.icecast.kill()
    manager.until(lambda: "Icecast does not answer" in str(manager.health()["reasons"]), within_s=5)
    manager.icecast.start()
    manager.until_well(within_s=10)
    assert encoders(manager) == before
    assert all(decodes(mount) for mount in manager.source("pond")["mounts"])


def test_a_hung_icecast_does_not_delay_anything(manager: Manager) -> None:
    before = encoders(manager)
    process = psutil.Process(manager.icecast.pid)
    process.suspend()
    try:
        manager.until(lambda: "Icecast does not answer" in str(manager.health()["reasons"]), within_s=10)
        assert manager.source("pond")["state"] == "playing"
    finally:
        process.resume()
    manager.until_well()
    assert encoders(manager) == before
    assert decodes(manager.source("wood")["mounts"][1])


def test_only_the_hung_encoder_is_replaced(manager: Manager) -> None:
    before = encoders(manager)
    old = manager.child("ffmpeg", "pond")
    old.send_signal(signal.SIGSTOP)
    healed_s = manager.until(lambda: manager.replaced("ffmpeg", "pond", old), within_s=28)
    assert healed_s > SILENCE_S - 1
    manager.until_well()
    after = encoders(manager)
    assert [name for name in before if after[name] != before[name]] == ["pond"]
    assert all(decodes(mount) for mount in manager.source("pond")["mounts"])


def test_a_listener_stays_while_the_encoder_is_replaced(manager: Manager) -> None:
    with urllib.request.urlopen(manager.source("farm")["mounts"][0], timeout=10) as listening:
        listening.read(1000)
        manager.child("ffmpeg", "farm").kill()
        heard = b""
        while heard.count(b"\x01vorbis") < 1:  # the headers of the encoder that took over
            piece = listening.read(1000)
            assert piece
            heard += piece
