"""A console that serves browsers: on a port, in a thread, beside a stream manager's and an analyzer's health."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import uvicorn

from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tidzam.protocol.examples.analyzer import HEALTH
from tidzam.protocol.examples.stream_manager import SOURCE
from tidzam.protocol.source_status import SourceStatus
from tidzam.server import Health, Server


def source(name: str, channels: int, **changes: Any) -> dict[str, Any]:
    """The status of a source, as the stream manager reports it."""
    ports = [f"{name}:out_{number}" for number in range(channels)]
    levels = [{"port": port, "state": "well", "level_dbfs": -24.0 - 9 * number} for number, port in enumerate(ports)]
    reported = {
        **SourceStatus.model_validate(SOURCE).model_dump(mode="json"),
        "name": name,
        "url": f"https://stream.example/{name}.ogg",
        "channels": channels,
        "ports": ports,
        "channel_names": [str(number) for number in range(channels)],
        "signals": levels,
        "mounts": [f"http://127.0.0.1:8000/{name}-out_{number}.ogg" for number in range(channels)],
        **changes,
    }
    return SourceStatus.model_validate(reported).model_dump(mode="json")


REFUSED = {
    "state": "waiting",
    "ok": False,
    "signals": [],
    "last_error": "The server refused the connection. Check the address of the source.",
}


def manager_health() -> Health:
    """A stream manager with a source that plays, and one that waits."""
    sources = [source("wetland", 4), source("pond", 2, **REFUSED)]
    detail = {"jack": True, "icecast": True, "rate_hz": 44100, "faults": [], "sources": sources}
    return Health(False, ("Source pond is waiting: the server refused the connection.",), detail)


def analyzer_health() -> Health:
    """An analyzer that hears three of the channels."""
    channels = [f"wetland:out_{number}" for number in range(3)]
    return Health(True, (), {**HEALTH, "channels": channels, "faults": [], "windows_per_s": 4.0})


class ServedAnalyzer(Protocol):
    """An analyzer that reports its health and answers requests."""

    def health(self) -> Health: ...

    def answer_on(self, server: Server) -> None: ...


@contextmanager
def serving_console(
    home: Path,
    *,
    with_programs: bool = True,
    profile: Mapping[str, Any] | None = None,
    manager: str | None = None,
    analyzer: ServedAnalyzer | None = None,
    **settings: Any,
) -> Iterator[tuple[str, ConsoleUnderTest]]:
    """The address of a console that serves, and the console. Without programs, it says that these are away.

    `settings` are those of its section, `profile` holds other sections. `manager` is the address of a stream manager
    that runs already. `analyzer` answers in place of one that only reports its health."""
    port, place, analyzer_port = free_port(), free_port(), free_port()
    addresses: dict[str, Any] = {
        "manager": manager or f"http://127.0.0.1:{place}",
        "analyzer": f"http://127.0.0.1:{analyzer_port}",
    }
    programs = [(analyzer_port, analyzer.health if analyzer else analyzer_health)]
    programs += [] if manager else [(place, manager_health)]
    with console_with_profile(home, {"console": {"port": port, **settings}, **(profile or {})}, **addresses) as console:
        server = uvicorn.Server(uvicorn.Config(console.asgi, port=port, log_config=None, proxy_headers=False))

        async def serve() -> None:
            async with AsyncExitStack() as running:
                for place, health in programs if with_programs else ():
                    program = Server("program", host="127.0.0.1", port=place, health=health, messages={})
                    if analyzer is not None and place == analyzer_port:
                        analyzer.answer_on(program)
                    await running.enter_async_context(program)
                await server.serve()

        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        try:
            eventually(lambda: server.started, what="the console serves")
            yield f"http://127.0.0.1:{port}", console
        finally:
            server.should_exit = True
            thread.join(timeout=20)
