"""The options of the command line of Tidzam 2019: each does what its help says, in one run of the program."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import socketio
from aiohttp import web

from tests.support.clients import connected
from tests.support.icecast import icecast_server
from tests.support.jack import jack_server
from tests.support.manager import Manager, command_line
from tests.support.ports import free_port
from tests.support.sound import write_tones
from tests.support.web import web_server

pytestmark = pytest.mark.timeout(90)


@dataclass
class Analyzer:
    """A Socket.IO server that keeps what the stream manager reports to it."""

    port: int
    reports: list[Any] = field(default_factory=list)


@contextmanager
def analyzer() -> Iterator[Analyzer]:
    found, loop = Analyzer(free_port()), asyncio.new_event_loop()
    server = socketio.AsyncServer(async_mode="aiohttp")
    server.on("JackSource", lambda sid, data: found.reports.append(data))
    application = web.Application()
    server.attach(application)
    runner = web.AppRunner(application, shutdown_timeout=0.5)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", found.port).start()

    async def end() -> None:
        await server.shutdown()
        await runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@dataclass
class Run:
    manager: Manager
    analyzer: Analyzer


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A stream manager that takes everything from its command line that Tidzam 2019 did."""
    folder = tmp_path_factory.mktemp("options")
    recordings = folder / "impoundment-mc"
    recordings.mkdir()
    write_tones(folder / "impoundment.ogg", 2, seconds=10)
    with web_server(folder) as served:
        source = {
            "name": "impoundment",
            "url": f"http://{served}/impoundment.ogg",
            "path_database": str(recordings),
            "nb_channels": 2,
        }
        listed = folder / "sources.json"
        listed.write_text(json.dumps({"sources": [source]}))
        with analyzer() as away, jack_server(period=1024) as jack, icecast_server(folder) as icecast:
            arguments = ["--buffer-size=7", "--samplerate=48000", "--port-available=3", "--port", "PORT"]
            arguments += [f"--tidzam-socketio=127.0.0.1:{away.port}", f"--sources={listed}", "--debug=1"]
            other = {"port": free_port()}
            manager = Manager(folder, jack, icecast, [], other, arguments=arguments)
            try:
                manager.until(lambda: manager.source("impoundment").get("state") == "playing", within_s=20)
                yield Run(manager, away)
            finally:
                manager.stop()


def test_sources_of_the_json_file_are_loaded_as_permanent_ones(run: Run) -> None:
    status = run.manager.source("impoundment")
    assert (status["is_permanent"], status["channels"]) == (True, 2)


def test_buffer_size_is_how_far_the_player_reads_ahead(run: Run) -> None:
    assert "--cache-secs=7" in command_line(run.manager.child("mpv", "impoundment"))


def test_a_sample_rate_that_is_not_jacks_is_reported(run: Run) -> None:
    assert "the settings specify a sample rate of 48000 Hz" in run.manager.log


def test_the_server_listens_on_the_port(run: Run) -> None:
    assert f"listens on http://127.0.0.1:{run.manager.port}" in run.manager.log


def test_the_sources_are_reported_to_the_analyzer(run: Run) -> None:
    run.manager.until(lambda: any(report for report in run.analyzer.reports), within_s=10)
    assert {one["name"] for report in run.analyzer.reports for one in report} == {"impoundment"}


async def test_port_available_is_the_number_of_live_streams(run: Run) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(run.manager)) for _ in range(4)]
        answers = [await client.ask(add_livestream="") for client in clients]
    assert [answer["ok"] for answer in answers] == [True, True, True, False]
    assert answers[3]["error"]["code"] == "live_ports_in_use"


def test_debug_logs_more(run: Run) -> None:
    assert " debug " in run.manager.log
