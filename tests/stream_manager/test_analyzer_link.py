"""What is reported to the analyzer about sources, and when. Real Socket.IO servers on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from stream_manager.analyzer_link import AnalyzerLink, changes, event_data, known_sources
from tests.support.eventually import eventually_async
from tests.support.ports import free_port
from tidzam.protocol.analyzer import JACK_SOURCE, JackSource, parse_jack_sources
from tidzam.protocol.live_streams import LiveStreamStatus
from tidzam.protocol.recordings import ReplayStatus
from tidzam.protocol.source_status import SourceState, SourceStatus
from tidzam.server import Access, Health, Server

pytestmark = pytest.mark.timeout(30)

STARTED = datetime(2026, 5, 1, 6, 30, 0, 250_000, tzinfo=UTC)


def status(name: str, rate_hz: int | None, *, started: datetime | None = STARTED, **fields: Any) -> SourceStatus:
    return SourceStatus(
        name=name,
        state=SourceState.PLAYING,
        url="",
        channels=1,
        ports=(),
        mounts=(),
        restarts=0,
        last_error=None,
        started=started,
        bytes=0,
        gaps=0,
        rate_hz=rate_hz,
        **fields,
    )


def live_stream(port: str, rate_hz: int) -> LiveStreamStatus:
    return LiveStreamStatus(
        port=port,
        plays=True,
        rate_hz=rate_hz,
        started=STARTED,
        buffered_s=0.5,
        received_s=1.0,
        gaps=0,
        gap_s=0.0,
        dropped_s=0.0,
        drift_ppm=None,
    )


def test_only_changes_are_reported() -> None:
    before = known_sources([status("pond", 8000), status("wood", 48000)])
    assert changes(before, before) == ()
    after = known_sources([status("pond", 44100), status("wood", 48000), status("lake", 16000)])
    assert [(one.name, one.rate_hz) for one in changes(before, after)] == [("pond", 44100), ("lake", 16000)]


def test_a_removed_source_is_reported_without_a_rate() -> None:
    assert changes(known_sources([status("pond", 8000)]), {}) == (JackSource(name="pond"),)


def test_the_analyzer_parses_the_reported_event() -> None:
    sources = tuple(known_sources([status("pond", 8000), status("wood", None, started=None)]).values())
    assert parse_jack_sources(event_data(sources)) == sources
    assert event_data(sources)[0] == {"name": "pond", "starting_time": "2026-05-01-06-30-00.250", "rate_hz": 8000}


def test_live_streams_are_reported_one_by_one_with_their_own_rates() -> None:
    streams = (live_stream("tidzam-livestreams:out_0", 8000), live_stream("tidzam-livestreams:out_4", 48000))
    known = known_sources([status("tidzam-livestreams", None, live_streams=streams), status("pond", 44100)])
    assert {name: source.rate_hz for name, source in known.items()} == {
        "tidzam-livestreams:out_0": 8000,
        "tidzam-livestreams:out_4": 48000,
        "pond": 44100,
    }


def test_the_time_of_a_recording_is_reported_with_its_frame() -> None:
    replay = ReplayStatus(database="pond", time=STARTED, anchor_frame=7, anchor_time=STARTED)
    (source,) = known_sources([status("past", 8000).model_copy(update={"replay": replay})]).values()
    assert parse_jack_sources(event_data([source])) == (source,)
    assert (source.is_recorded, source.frame, source.starting_time) == (True, 7, STARTED)


def test_a_replay_whose_frame_is_not_known_yet_is_reported_as_recorded() -> None:
    replay = ReplayStatus(database="pond", time=STARTED)
    (source,) = known_sources([status("past", 8000).model_copy(update={"replay": replay})]).values()
    assert (source.is_recorded, source.frame, source.starting_time) == (True, None, None)


@asynccontextmanager
async def analyzer(port: int, access: Access | None = None) -> AsyncIterator[list[Any]]:
    """A server that understands JackSource, and what it was reported."""
    reported: list[Any] = []

    async def take(sid: str, data: Any) -> None:
        reported.extend((one.name, one.rate_hz) for one in parse_jack_sources(data))

    server = Server(
        "analyzer", host="127.0.0.1", port=port, health=lambda: Health(True), messages={}, access=access or Access()
    )

    async def subscribe(sid: str, data: Any) -> None:
        reported.append(("subscribed", data["events"]))
        await server.emit("speech", {"node": "garden", "channels": []}, to=sid)

    server.on(JACK_SOURCE, take)
    server.on("subscribe", subscribe)
    async with server:
        yield reported


@asynccontextmanager
async def linked(port: int, statuses: list[SourceStatus], token: str | None = None) -> AsyncIterator[None]:
    task = asyncio.create_task(AnalyzerLink(f"127.0.0.1:{port}", lambda: statuses, token=token).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_all_sources_are_reported_at_first_and_then_changes() -> None:
    port, statuses = free_port(), [status("pond", 8000)]
    async with analyzer(port) as reported, linked(port, statuses):
        await eventually_async(lambda: reported == [("pond", 8000)])
        statuses[0] = replace_rate(statuses[0], 44100)
        await eventually_async(lambda: reported == [("pond", 8000), ("pond", 44100)])


def replace_rate(known: SourceStatus, rate_hz: int) -> SourceStatus:
    return known.model_copy(update={"rate_hz": rate_hz})


async def test_all_sources_are_reported_again_after_a_reconnection() -> None:
    port, statuses = free_port(), [status("pond", 8000)]
    async with linked(port, statuses):
        async with analyzer(port) as reported:
            await eventually_async(lambda: bool(reported))
        async with analyzer(port) as reported:
            await eventually_async(lambda: reported == [("pond", 8000)])


async def test_the_token_is_sent_to_the_analyzer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    port, token = free_port(), "t" * 32
    access = Access(listen="token", manage="token", token=token)
    async with analyzer(port, access) as reported, linked(port, [status("pond", 8000)], token):
        await eventually_async(lambda: reported == [("pond", 8000)])


async def test_reports_about_speech_are_received() -> None:
    port, received = free_port(), list[Any]()
    async with analyzer(port) as reported:
        link = AnalyzerLink(f"127.0.0.1:{port}", lambda: [status("pond", 8000)], on_speech=received.append)
        task = asyncio.create_task(link.run())
        await eventually_async(lambda: ("subscribed", ["speech"]) in reported)
        await eventually_async(lambda: received == [{"node": "garden", "channels": []}])
        task.cancel()
        await asyncio.wait([task])


async def test_a_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    port, statuses = free_port(), [status("pond", 8000)]
    async with analyzer(port, Access(manage="token", token="t" * 32)), linked(port, statuses):
        await eventually_async(lambda: "the analyzer refused" in caplog.text)
        statuses.append(status("wood", 48000))
        await asyncio.sleep(0.6)
    assert caplog.text.count("the analyzer refused") == 1
