"""A stream manager without JACK for tests of its clients: it takes requests about sources as the real one does.

Sources are loaded, kept and tested, but none ever plays: the JACK server is simulated.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stream_manager.handlers import RequestHandler
from stream_manager.health import health
from stream_manager.live.storage import LiveStorage
from stream_manager.live.streams import LiveStreams
from stream_manager.recorder.control import RecordingControl
from stream_manager.source_probe import SourceProbes
from stream_manager.sources import Sources
from tests.support.console import TOKEN
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.services import SimulatedGraph, services
from tidzam.accounts.client_audit import ClientAudit
from tidzam.config import SourceSettings
from tidzam.protocol.live_streams import AUDIO_EVENT
from tidzam.protocol.stream_manager import MESSAGES, reads_only
from tidzam.server import Access, Right, Server


@contextmanager
def source_server(folder: Path, *profile: SourceSettings) -> Iterator[str]:
    """The address of a stream manager whose media root and state file are in `folder`."""
    port, stop, started = free_port(), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(folder, port, profile, started, stop)), daemon=True)
    thread.start()
    try:
        eventually(started.is_set, what="the stream manager serves")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        thread.join(timeout=20)


async def _serve(
    folder: Path, port: int, profile: Sequence[SourceSettings], started: threading.Event, stop: threading.Event
) -> None:
    graph = SimulatedGraph()
    plain = services(graph, media_roots=(folder,), outputs=(), live_ports=0)
    shared = replace(plain, recordings=RecordingControl(folder / "switches.json"))
    async with asyncio.TaskGroup() as tasks:
        sources = Sources(shared, tasks, shared.settings, folder / "client-sources.json")
        live = LiveStreams(shared, {}, LiveStorage(None, file_format="flac", max_gb=1))
        server = Server(
            "stream manager",
            host="127.0.0.1",
            port=port,
            health=lambda: health(graph, shared.icecast, sources, ()),
            messages=MESSAGES,
            access=Access(manage="token", token=TOKEN),
        )
        requests = RequestHandler(
            sources, live, shared.databases, SourceProbes(shared), server.client, ClientAudit(None)
        )
        server.on("sys", requests.sys, needs=lambda data: Right.LISTEN if reads_only(data) else Right.MANAGE)
        server.on(AUDIO_EVENT, requests.audio)
        server.on_disconnect(requests.disconnected)
        async with server:
            await sources.load_permanent(profile, ())
            started.set()
            await asyncio.to_thread(stop.wait)
            await sources.unload_all()
