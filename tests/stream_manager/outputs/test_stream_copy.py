"""A source with `format: copy`, with real ffmpeg and Icecast. JACK is not needed."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import get_args

import psutil
import pytest

from stream_manager.outputs.stream_copy import COPY_OUTPUTS, COPY_PLAYERS
from stream_manager.source import Source
from stream_manager.source_registry import SourceEntry
from tests.support.eventually import eventually_async
from tests.support.icecast import PASSWORD, icecast_server
from tests.support.manager import command_line
from tests.support.services import services
from tests.support.sound import write_tones
from tests.support.web import Framing, serve_in_thread, web_server_without_lengths
from tidzam.config import SourceSettings
from tidzam.protocol.source_status import SourceState

pytestmark = pytest.mark.timeout(40)


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The host and port of a server of the files in `tmp_path`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path)))
    serve_in_thread(server)
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@asynccontextmanager
async def copying(
    folder: Path, url: str, *, permanent: bool = True
) -> AsyncIterator[tuple[Source, asyncio.Task[None]]]:
    """A source that copies `url`, once its first attempt has a result."""
    settings = SourceSettings(name="pond", url=url, format="copy", is_permanent=permanent)
    with icecast_server(folder) as server:
        shared = services(icecast=server.settings, password=PASSWORD)
        source = Source(SourceEntry(settings), url, shared, players=COPY_PLAYERS, outputs=COPY_OUTPUTS)
        tasks = [asyncio.create_task(shared.icecast.watch()), asyncio.create_task(source.run())]
        try:
            await source.settled()
            yield source, tasks[1]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        assert not shared.copied_mounts


def children() -> list[list[str]]:
    return [command_line(child) for child in psutil.Process(os.getpid()).children(recursive=True)]


async def test_it_plays_without_ports_and_its_mount_is_served(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "pond.ogg", 2, seconds=20)
    async with copying(tmp_path, str(path)) as (source, _):
        await eventually_async(lambda: source.status().ok)
        status = source.status()
        assert (status.state, status.channels, status.ports) == (SourceState.PLAYING, 2, ())
        assert [mount.rpartition("/")[2] for mount in status.mounts] == ["pond.ogg"]
        assert status.bytes > 0
        assert status.signals == ()


async def test_no_command_line_shows_the_password_of_icecast_or_of_its_address(tmp_path: Path, web: str) -> None:
    write_tones(tmp_path / "pond.ogg", 1, seconds=20)
    async with copying(tmp_path, f"http://user:credential@{web}/pond.ogg") as (source, _):
        await eventually_async(lambda: source.status().ok)
        words = [word for child in children() for word in child]
        assert "copy" in words
        assert not [word for word in words if "credential" in word or PASSWORD in word]


async def test_a_file_ends_after_its_duration(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "pond.ogg", 1, seconds=2)
    async with copying(tmp_path, str(path), permanent=False) as (source, running):
        await running
        assert source.status().state is SourceState.ENDED
        assert source.status().last_error is None


async def test_a_file_whose_server_states_no_length_is_sent_at_its_own_pace(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "pond.ogg", 1, seconds=20)
    with web_server_without_lengths(tmp_path, "chunked") as host_and_port:
        async with copying(tmp_path, f"http://{host_and_port}/pond.ogg") as (source, _):
            await eventually_async(lambda: source.status().ok)
            assert 0 < source.status().bytes < path.stat().st_size / 2


@pytest.mark.parametrize("framing", get_args(Framing))
async def test_a_file_whose_server_states_no_length_ends(tmp_path: Path, framing: Framing) -> None:
    write_tones(tmp_path / "pond.ogg", 1, seconds=0.3)
    with web_server_without_lengths(tmp_path, framing) as host_and_port:
        async with copying(tmp_path, f"http://{host_and_port}/pond.ogg", permanent=False) as (source, running):
            await running
            assert (source.status().state, source.status().code) == (SourceState.ENDED, "source_stream_ended")


async def test_an_encoding_that_ogg_cannot_hold_is_refused(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "pond.wav", 1, seconds=2)
    async with copying(tmp_path, str(path)) as (source, _):
        assert source.status().code == "source_not_copyable"


def write_silence(path: Path) -> Path:
    """30 channels in Opus."""
    raw = ["-f", "f32le", "-ar", "48000", "-ac", "30", "-i", "/dev/zero", "-t", "20"]
    options = ["-c:a", "libopus", "-mapping_family", "255"]
    subprocess.run(["ffmpeg", "-v", "error", *raw, *options, str(path)], check=True)
    return path


async def test_30_channels_are_copied_as_they_are(tmp_path: Path) -> None:
    path = write_silence(tmp_path / "pond.opus")
    async with copying(tmp_path, str(path)) as (source, _):
        await eventually_async(lambda: source.status().ok)
        probe = [
            "ffprobe",
            "-v",
            "error",
            "-show_entries",
            "stream=channels",
            "-of",
            "csv=p=0",
            source.status().mounts[0],
        ]
        asked = await asyncio.create_subprocess_exec(*probe, stdout=asyncio.subprocess.PIPE)
        heard, _stderr = await asked.communicate()
        assert heard.split()[0] == b"30"
