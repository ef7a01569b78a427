"""Sources through a real stream manager, mpv, JACK, ffmpeg and Icecast: every channel arrives unchanged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import socketio
import soundfile

from tests.support.icecast import PASSWORD
from tests.support.jack import JackServer
from tests.support.manager import Manager, stream_manager
from tests.support.player import playing
from tests.support.recorder import Recording, record, unbroken
from tests.support.sound import BASE_HZ, STEP_HZ, decode_mount, loudest_hz, write_tones
from tests.support.web import web_server
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

LFE = 3
"""The effects channel of 5.1, of which Vorbis keeps only the bass."""


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    with stream_manager(tmp_path_factory.mktemp("manager"), []) as running:
        running.until_well()
        yield running


@pytest.fixture
async def client(manager: Manager) -> AsyncIterator[socketio.AsyncClient]:
    """The sources that it loads are unloaded when it disconnects."""
    io = socketio.AsyncClient(reconnection=False)
    await io.connect(manager.url)
    yield io
    await io.disconnect()
    manager.until(lambda: not manager.health()["detail"]["sources"], within_s=10)


async def ask(client: socketio.AsyncClient, **command: Any) -> dict[str, Any]:
    return await client.call("sys", {"sys": command}, timeout=30)  # type: ignore[no-any-return]


async def load(client: socketio.AsyncClient, name: str, url: Path | str, **fields: Any) -> dict[str, Any]:
    """Its status, once it plays."""
    answer = await ask(client, loadsource={"name": name, "url": str(url), **fields})
    assert answer["ok"], answer
    status: dict[str, Any] = answer["sys"]["loadsource"]
    assert status["state"] == "playing"
    return status


async def refused(client: socketio.AsyncClient, name: str, url: Path | str, **fields: Any) -> dict[str, Any]:
    answer = await ask(client, loadsource={"name": name, "url": str(url), **fields})
    assert not answer["ok"], answer
    return answer["error"]  # type: ignore[no-any-return]


def heard_hz(jack: JackServer, ports: list[str], folder: Path) -> list[int]:
    recording = record(jack, ports, folder, seconds=0.6)
    return [loudest_hz(channel, jack.rate_hz) for channel in recording.samples.T]


def expected_hz(channels: list[int]) -> list[int]:
    return [BASE_HZ + STEP_HZ * channel for channel in channels]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
async def test_each_of_1_to_8_channels_has_its_own_port_unmixed_and_in_order(
    manager: Manager, client: socketio.AsyncClient, tmp_path: Path, suffix: str
) -> None:
    ports: list[str] = []
    expected: list[int] = []
    for channels in range(1, 9):
        path = write_tones(manager.media_root / f"{channels}.{suffix}", channels, seconds=20)
        status = await load(client, f"s{channels}", path)
        assert status["ports"] == [f"s{channels}:out_{channel}" for channel in range(channels)]
        ports += status["ports"]
        expected += expected_hz(list(range(channels)))
    heard = heard_hz(manager.jack, ports, tmp_path)
    if suffix == "ogg":
        effects = ports.index(f"s6:out_{LFE}")
        heard[effects] = expected[effects]
    assert heard == expected


async def test_samples_arrive_bit_by_bit(manager: Manager, client: socketio.AsyncClient, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).uniform(-0.9, 0.9, (44100 * 8, 2))
    path = manager.media_root / "noise.flac"
    soundfile.write(path, noise, 44100, subtype="PCM_16")
    stored, _ = soundfile.read(path, dtype="float32")
    status = await load(client, "noise", path)
    recording = record(manager.jack, status["ports"], tmp_path, seconds=1)
    assert_contained(recording, stored)


def assert_contained(recording: Recording, whole: Float32) -> None:
    """What was recorded is found in `whole` as it is, in its order, but for silence at its beginning and frames that
    JACK or the recorder skipped on a busy machine."""
    first = int(np.argmax(recording.samples.any(axis=1)))
    seams = [first, *sorted(seam for seam in recording.seams if seam > first), first + 1024 * 16]
    end = 0
    for low, high in pairwise(seam for seam in seams if seam <= first + 1024 * 16):
        piece = recording.samples[low:high]
        start = next(
            int(offset)
            for offset in end + np.flatnonzero(whole[end:, 0] == piece[0, 0])
            if np.array_equal(whole[offset : offset + 64], piece[:64])
        )
        end = start + len(piece)
        np.testing.assert_array_equal(whole[start:end], piece)


async def test_each_mount_has_the_audio_of_its_channel(manager: Manager, client: socketio.AsyncClient) -> None:
    path = write_tones(manager.media_root / "mounts.flac", 3, seconds=5)
    status = await load(client, "pond", path, loop=True)
    assert status["mounts"] == [f"{manager.icecast.url}/pond-out_{channel}.ogg" for channel in range(3)]
    manager.until(lambda: manager.source("pond")["bytes"] > 0, within_s=10)
    heard = [loudest_hz(decode_mount(mount), 44100) for mount in status["mounts"]]
    assert heard == expected_hz([0, 1, 2])


@pytest.mark.parametrize("suffix", ["wav", "flac"])
async def test_a_loop_has_no_gap(manager: Manager, client: socketio.AsyncClient, tmp_path: Path, suffix: str) -> None:
    path = write_tones(manager.media_root / f"loop.{suffix}", 2, seconds=1)
    status = await load(client, "loop", path, loop=True)
    recording = record(manager.jack, status["ports"], tmp_path, seconds=4)
    assert unbroken(recording, BASE_HZ + STEP_HZ, port=1)
    assert manager.source("loop")["restarts"] == 0


async def test_selected_channels_are_played_in_the_requested_order(
    manager: Manager, client: socketio.AsyncClient, tmp_path: Path
) -> None:
    path = write_tones(manager.media_root / "choice.wav", 8, seconds=20)
    status = await load(client, "choice", path, channels="6,0,3")
    assert heard_hz(manager.jack, status["ports"], tmp_path) == expected_hz([6, 0, 3])


async def test_loading_a_loaded_name_replaces_the_source(
    manager: Manager, client: socketio.AsyncClient, tmp_path: Path
) -> None:
    await load(client, "pond", write_tones(manager.media_root / "first.wav", 4, seconds=20))
    status = await load(client, "pond", write_tones(manager.media_root / "second.wav", 2, seconds=20, first_hz=2000))
    assert heard_hz(manager.jack, status["ports"], tmp_path) == [2000, 2200]
    assert len(manager.health()["detail"]["sources"]) == 1


@pytest.fixture(scope="module")
def web(manager: Manager) -> Iterator[str]:
    """The media root over HTTP."""
    with web_server(manager.media_root) as web:
        yield f"http://listener:secret-of-mine@{web}"


async def test_an_address_is_played_and_its_password_is_not_shown(
    manager: Manager, client: socketio.AsyncClient, tmp_path: Path, web: str
) -> None:
    write_tones(manager.media_root / "web.ogg", 2, seconds=20)
    status = await load(client, "web", f"{web}/web.ogg")
    assert heard_hz(manager.jack, status["ports"], tmp_path) == expected_hz([0, 1])
    await refused(client, "gone", f"{web}/gone.ogg")
    everything = manager.log + str(manager.health())
    assert "secret-of-mine" not in everything
    assert PASSWORD not in everything


@pytest.fixture(scope="module")
def bad_files(manager: Manager) -> None:
    folder = manager.media_root
    (folder / "empty.wav").touch()
    (folder / "text.ogg").write_text("This is no sound.\n" * 100)
    soundfile.write(folder / "65.wav", np.zeros((44100, 65)), 44100)
    soundfile.write(folder / "header.wav", np.zeros((0, 2)), 44100)
    whole = write_tones(folder / "whole.flac", 1, seconds=20).read_bytes()
    (folder / "cut.flac").write_bytes(whole[:200])
    soundfile.write(folder / "whole.mp3", np.zeros(44100), 44100)
    (folder / "cut.mp3").write_bytes((folder / "whole.mp3").read_bytes()[:100])
    (folder / "zero.wav").write_bytes(channel_count(write_tones(folder / "one.wav", 1, seconds=1).read_bytes(), 0))


def channel_count(wav: bytes, channels: int) -> bytes:
    return wav[:22] + channels.to_bytes(2, "little") + wav[24:]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("no-such.wav", "source_not_found"),
        ("empty.wav", "source_empty"),
        ("header.wav", "source_empty"),
        ("text.ogg", "source_not_audio"),
        ("zero.wav", "source_channels"),
        ("65.wav", "source_channels"),
        ("cut.flac", "source_not_audio"),
        ("cut.mp3", "source_not_audio"),
        ("../../../../../../../../etc/passwd", "request"),
        ("/etc/passwd", "request"),
        ("file:///etc/passwd", "request"),
        ("http://127.0.0.1:1/x.ogg", "source_unreachable"),
        ("http://no-such-host.invalid/x.ogg", "source_unknown_host"),
        ("WEB/text.ogg", "source_not_audio"),
        ("WEB/no-such.ogg", "source_http_not_found"),
    ],
)
async def test_unplayable_media_is_refused_with_the_reason(
    manager: Manager, client: socketio.AsyncClient, bad_files: None, web: str, url: str, code: str
) -> None:
    error = await refused(client, "bad", url.replace("WEB", web))
    assert error["code"] == code, error
    assert "Traceback" not in manager.log
    manager.until(lambda: not manager.source("bad"), within_s=5)


async def test_a_link_out_of_the_media_root_is_refused(
    manager: Manager, client: socketio.AsyncClient, tmp_path: Path
) -> None:
    outside = write_tones(tmp_path / "outside.wav", 1, seconds=1)
    link = manager.media_root / "link.wav"
    link.symlink_to(outside)
    assert (await refused(client, "link", "link.wav"))["field"] == "url"


async def test_a_name_of_another_jack_client_is_refused(manager: Manager, client: socketio.AsyncClient) -> None:
    path = write_tones(manager.media_root / "taken.wav", 1, seconds=20)
    with playing(manager.jack, "taken", 440):
        assert (await refused(client, "taken", path))["code"] == "source_name_taken"
    await load(client, "taken", path)


async def test_a_missing_channel_is_refused(manager: Manager, client: socketio.AsyncClient) -> None:
    path = write_tones(manager.media_root / "few.wav", 2, seconds=20)
    assert (await refused(client, "few", path, channels="2"))["code"] == "source_channels"
    assert (await refused(client, "few", path, channels="left"))["field"] == "channels"


async def test_a_source_that_ends_is_removed_and_a_truncated_one_is_reported(
    manager: Manager, client: socketio.AsyncClient
) -> None:
    whole = write_tones(manager.media_root / "short.flac", 1, seconds=4)
    (manager.media_root / "broken.flac").write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    await load(client, "short", whole)
    await load(client, "broken", manager.media_root / "broken.flac")
    manager.until(lambda: not manager.health()["detail"]["sources"], within_s=12)
    assert "short: it ended" in manager.log
    assert "broken does not play: it ends before its stated duration" in manager.log


async def test_unloading(manager: Manager, client: socketio.AsyncClient) -> None:
    path = write_tones(manager.media_root / "unload.wav", 1, seconds=20)
    await load(client, "pond", path)
    assert (await ask(client, unloadsource={"name": "pond"}))["ok"]
    await load(client, "pond", path)
    assert (await ask(client, loadsource={"name": "pond"}))["ok"]
    assert (await ask(client, sources=""))["sys"]["sources"] == []
    assert (await ask(client, unloadsource={"name": "pond"}))["error"]["code"] == "source_unknown"


async def test_a_permanent_source_outlives_its_client(manager: Manager, client: socketio.AsyncClient) -> None:
    path = write_tones(manager.media_root / "stay.wav", 1, seconds=5)
    other = socketio.AsyncClient(reconnection=False)
    await other.connect(manager.url)
    await load(other, "stay", path, is_permanent=True, loop=True)
    await load(other, "leave", path, loop=True)
    await other.disconnect()
    manager.until(lambda: not manager.source("leave"), within_s=10)
    assert manager.source("stay")["state"] == "playing"
    await ask(client, unloadsource={"name": "stay"})
