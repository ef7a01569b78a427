"""What the analyzer sends reaches browsers: as server-sent events, over restarts, and for a limited number of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import pytest
import uvicorn

from console.live.analyzer_events import AnalyzerEvents
from console.live.spectrograms import LiveSpectrograms
from console.live.state import LiveState
from console.services.node_state import node_view
from tests.support import live_events
from tests.support.console import ConsoleUnderTest, console_under_test, console_with_profile
from tests.support.eventually import eventually_async
from tests.support.live_analyzer import live_analyzer
from tests.support.live_events import NOW, PORT, analysis, detection
from tests.support.ports import free_port
from tidzam.errors import StoreError
from tidzam.protocol.spectrogram import SpectrogramEvent
from tidzam.server import Access

pytestmark = pytest.mark.timeout(60)

EVENTS = "/api/v1/live/events"
TOKEN = "a-token-of-twenty-letters"


def new_state() -> LiveState:
    return LiveState(node_view("marsh", None, None, now=datetime(2026, 5, 1, tzinfo=UTC)))


@asynccontextmanager
async def receiving(port: int, state: LiveState, token: str | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(AnalyzerEvents(f"http://127.0.0.1:{port}", state, LiveSpectrograms(), token=token).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_events_arrive_again_after_the_analyzer_has_restarted() -> None:
    port, state = free_port(), new_state()
    async with receiving(port, state):
        for number in range(2):
            async with live_analyzer(port) as analyzer:
                await analyzer.subscribed()
                await analyzer.send("detection", detection(number))
                await analyzer.send("analysis", analysis())
                await eventually_async(lambda: state.update(-1, NOW).channels, what="the channel is heard")
            await eventually_async(lambda: not state.update(-1, NOW).channels, what="the analyzer is missed")
    assert len(state.detections()) == 2


async def test_the_token_of_the_node_is_presented() -> None:
    port, state = free_port(), new_state()
    async with live_analyzer(port, Access(listen="token", token=TOKEN)) as analyzer, receiving(port, state, TOKEN):
        await analyzer.subscribed()
    (subscription,) = analyzer.subscriptions.values()
    assert subscription["mute_sys"] is True


async def test_an_event_that_is_not_understood_ends_nothing() -> None:
    port, state = free_port(), new_state()
    async with live_analyzer(port) as analyzer, receiving(port, state):
        await analyzer.subscribed()
        await analyzer.send("analysis", detection())
        await analyzer.send("detection", detection(shadow=True))
        await analyzer.send("detection", detection(7))
        await eventually_async(state.detections)
    assert [one.start.second for one in state.detections()] == [7]


@asynccontextmanager
async def serving(console: ConsoleUnderTest, port: int) -> AsyncIterator[str]:
    """The address of a console in this event loop."""
    server = uvicorn.Server(uvicorn.Config(console.asgi, port=port, log_config=None, proxy_headers=False))
    task = asyncio.create_task(server.serve())
    await eventually_async(lambda: server.started, what="the console serves")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        console.runtime.live.close()
        server.should_exit = True
        await task


def browser(console: ConsoleUnderTest, user: str = "viewer") -> aiohttp.ClientSession:
    """A browser in which a user is logged in."""
    return aiohttp.ClientSession(headers={"Cookie": f"{console.runtime.cookie}={console.begin(user).cookie}"})


async def updates(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    async for line in response.content:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


async def test_a_browser_gets_all_there_is_and_then_what_changes(tmp_path: Path) -> None:
    port, place = free_port(), free_port()
    with console_with_profile(tmp_path, {"console": {"port": port}}, analyzer=f"http://127.0.0.1:{place}") as console:
        async with live_analyzer(place) as analyzer, serving(console, port) as url, browser(console) as http:
            await analyzer.subscribed()
            async with http.get(f"{url}{EVENTS}") as response:
                assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
                assert response.headers["X-Accel-Buffering"] == "no"
                got = updates(response)
                assert (await anext(got))["channels"] == []
                await analyzer.send("analysis", analysis())
                await analyzer.send("detection", detection())
                found: dict[str, Any] = {}
                while not (found.get("channels") and found.get("detections")):
                    found = {name: found.get(name) or value for name, value in (await anext(got)).items()}
    assert found["channels"][0]["port"] == PORT
    assert found["detections"][0]["path"] == ["birds", "wren"]


async def test_spectrograms_are_asked_for_and_passed_on_while_somebody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.live.spectrograms._LINGER_S", 0.0)
    port, place = free_port(), free_port()
    with console_with_profile(tmp_path, {"console": {"port": port}}, analyzer=f"http://127.0.0.1:{place}") as console:
        async with live_analyzer(place) as analyzer, serving(console, port) as url, browser(console) as http:
            await analyzer.subscribed()
            assert analyzer.events() == {"analysis", "detection"}
            async with http.get(f"{url}{EVENTS}", params={"spectrogram": PORT}) as response:
                await eventually_async(lambda: "spectrogram" in analyzer.events(), what="spectrograms are asked for")
                await analyzer.send("spectrogram", live_events.spectrogram(0, PORT, "wetland:out_1"))
                found = await anext(one async for one in updates(response) if "highest_hz" in one)
            await eventually_async(lambda: "spectrogram" not in analyzer.events(), what="they are not any more")
    assert SpectrogramEvent.model_validate(found) == live_events.spectrogram(0, PORT)


async def test_a_browser_that_leaves_is_forgotten(tmp_path: Path) -> None:
    port = free_port()
    with console_under_test(tmp_path, port=port) as console:
        async with serving(console, port) as url:
            async with browser(console) as http, http.get(f"{url}{EVENTS}") as response:
                await anext(updates(response))
                assert console.runtime.streams.count == 1
            await eventually_async(lambda: console.runtime.streams.count == 0, what="the browser is forgotten")


async def test_one_browser_too_many_is_refused(tmp_path: Path) -> None:
    port = free_port()
    with console_under_test(tmp_path, port=port, streams=1) as console:
        async with serving(console, port) as url, browser(console) as http, http.get(f"{url}{EVENTS}") as first:
            await anext(updates(first))
            async with http.get(f"{url}{EVENTS}") as refused:
                assert refused.status == 429
                assert (await refused.json())["error"]["code"] == "too_many_streams"


async def test_one_visitor_cannot_take_all_streams(tmp_path: Path) -> None:
    port = free_port()
    with console_under_test(tmp_path, port=port, streams_per_visitor=1) as console:
        async with serving(console, port) as url, browser(console) as http, http.get(f"{url}{EVENTS}") as first:
            await anext(updates(first))
            async with http.get(f"{url}{EVENTS}") as refused:
                assert "streams_per_visitor" in (await refused.json())["error"]["message"]
            async with browser(console, "admin") as other, other.get(f"{url}{EVENTS}") as allowed:
                assert allowed.status == 200


async def test_updates_end_when_the_session_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.web.streaming.CHECK_S", 0.0)
    port = free_port()
    with console_under_test(tmp_path, port=port) as console:
        async with serving(console, port) as url, browser(console) as http, http.get(f"{url}{EVENTS}") as response:
            await anext(updates(response))
            console.clock.pass_by(days=40)
            console.runtime.live.state.set_connected(True)
            async with asyncio.timeout(20):
                assert [one async for one in updates(response)] == []


async def test_updates_go_on_while_the_database_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> NoReturn:
        raise StoreError("The database is away.")

    monkeypatch.setattr("console.web.streaming.CHECK_S", 0.0)
    monkeypatch.setattr("console.web.streaming.visitor_of", away)
    port = free_port()
    with console_under_test(tmp_path, port=port) as console:
        async with serving(console, port) as url, browser(console) as http, http.get(f"{url}{EVENTS}") as response:
            got = updates(response)
            await anext(got)
            console.runtime.live.state.set_connected(True)
            async with asyncio.timeout(20):
                assert (await anext(got))["channels"] == []
