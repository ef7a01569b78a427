"""What Socket.IO clients of the analyzer get, on a real server with real clients."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import socketio

from analyzer.sinks.socketio import ClassifierCommand, SocketIoSink
from analyzer.sinks.spectrogram_events import SpectrogramEvents
from analyzer.subscriptions import Subscriptions
from tests.support import status
from tests.support.batches import LABELS, Batches
from tests.support.eventually import eventually_async
from tests.support.ports import free_port
from tidzam.config.detections import DetectionSettings
from tidzam.errors import BundleError
from tidzam.inference.channel_merger import ChannelMerger
from tidzam.labels import LabelTree
from tidzam.protocol.analyzer import MESSAGES, Subscribe
from tidzam.protocol.classifiers import ReloadAnswer
from tidzam.protocol.messages import Message
from tidzam.results import CascadeIdentity
from tidzam.server import Access, Health, Server

pytestmark = pytest.mark.timeout(30)

HEALTH = status.analyzer()


@asynccontextmanager
async def serving(
    *, access: Access | None = None, **commands: ClassifierCommand
) -> AsyncIterator[tuple[SocketIoSink, Server, str]]:
    port = free_port()
    server = Server(
        "analyzer", host="127.0.0.1", port=port, health=lambda: Health(True), messages=MESSAGES, access=access
    )
    sink = SocketIoSink(
        server,
        node="garden",
        classifiers=("selector", "birds"),
        labels=LABELS,
        health=lambda: HEALTH,
        commands=commands,
    )
    async with server:
        yield sink, server, f"http://127.0.0.1:{port}"


class Client:
    """A Socket.IO client that keeps what it gets."""

    def __init__(self) -> None:
        self.socket = socketio.AsyncClient()
        self.got: list[tuple[str, Any]] = []
        for event in ("sys", "analysis", "detection", "health", "spectrogram"):
            self.socket.on(event, self._keeper(event))

    def _keeper(self, event: str) -> Any:
        return lambda data: self.got.append((event, data))

    def of(self, event: str) -> list[Any]:
        return [data for name, data in self.got if name == event]

    async def until(self, event: str, count: int) -> list[Any]:
        async with asyncio.timeout(5):
            while len(self.of(event)) < count:  # noqa: ASYNC110  the server is what is waited for
                await asyncio.sleep(0.01)
        return self.of(event)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Client]:
    client = Client()
    await client.socket.connect(url, transports=["websocket"])
    yield client
    await client.socket.disconnect()


async def test_every_client_gets_the_frozen_event_and_the_list_of_classifiers() -> None:
    async with serving() as (sink, _, url), connected(url) as client:
        await client.until("sys", 1)
        await sink.deliver(Batches().batch(0, pond_0="birds-wren", pond_1="unknown"))
        first, second = await client.until("sys", 2)
    assert first == {"sys": {"classifier": {"list": ["selector", "birds"]}}}
    assert second == [
        {
            "chan": "pond:out_0",
            "analysis": {
                "time": "2026-05-01-06-30-00.000",
                "result": ["birds-wren"],
                "predicitions": {"birds-wren": 0.9},
            },
        },
        {
            "chan": "pond:out_1",
            "analysis": {"time": "2026-05-01-06-30-00.000", "result": ["unknown"], "predicitions": {"unknown": 0.9}},
        },
    ]


async def test_the_list_of_classifiers_is_sent_on_request() -> None:
    request = {"sys": {"classifier": {"list": ""}}}
    async with serving() as (_, _, url), connected(url) as client:
        assert await client.socket.call("sys", request) == {
            "ok": True,
            "sys": {"classifier": {"list": ["selector", "birds"]}},
        }
        await client.socket.emit("sys", request)
        await client.until("sys", 2)


async def test_spectrograms_are_sent_only_of_the_channels_that_are_asked_for() -> None:
    async with serving() as (sink, _, url), connected(url) as client, connected(url) as other:
        spectrograms = SpectrogramEvents(sink)
        await spectrograms.open()
        await client.socket.call("subscribe", {"events": ["spectrogram"], "channels": ["pond:*"]})
        await other.socket.call("subscribe", {"events": ["analysis"]})
        await spectrograms.deliver(Batches().batch(0, pond_0="unknown", wood_0="unknown"))
        (event,) = await client.until("spectrogram", 1)
        await spectrograms.close()
    (channel,) = event["channels"]
    assert channel["channel"] == "pond:out_0"
    assert len(base64.b64decode(channel["columns"])) == 10 * event["bands"]
    assert other.of("spectrogram") == []


async def test_spectrograms_are_wanted_only_while_a_client_subscribes_to_them() -> None:
    async with serving() as (sink, _, url):
        async with connected(url) as client:
            assert not sink.sends_spectrograms
            await client.socket.call("subscribe", {"events": ["spectrogram"]})
            assert sink.sends_spectrograms
            await client.socket.call("subscribe", {"events": ["detection"]})
            assert not sink.sends_spectrograms
            await client.socket.call("subscribe", {"events": ["spectrogram"]})
        await eventually_async(lambda: not sink.sends_spectrograms, what="the client is forgotten")


RELOAD = {"sys": {"classifier": {"reload": ""}}}


async def test_a_reload_is_answered_with_the_classifiers_that_are_live() -> None:
    answer = ReloadAnswer(classifiers=("selector",), bundles={"selector": "9e8b2a1f6c07"}, changed=True)

    async def reload(sid: str, content: Message) -> ReloadAnswer:
        return answer

    async with serving(reload=reload) as (_, _, url), connected(url) as client:
        answered = await client.socket.call("sys", RELOAD)
    assert answered["sys"] == {"classifier": {"reload": answer.model_dump(mode="json")}}


async def test_a_refused_reload_is_answered_with_the_reason() -> None:
    async def reload(sid: str, content: Message) -> ReloadAnswer:
        raise BundleError("The bundle is broken.", code="bundle_checksum")

    async with serving(reload=reload) as (_, _, url), connected(url) as client:
        answered = await client.socket.call("sys", RELOAD)
    assert answered["error"] == {"code": "bundle_checksum", "message": "The bundle is broken.", "field": None}


async def test_a_client_that_may_only_listen_can_list_and_not_reload() -> None:
    async def reload(sid: str, content: Message) -> ReloadAnswer:
        raise AssertionError("it was allowed")

    access = Access(listen="open", manage="token", token="t" * 32)
    async with serving(access=access, reload=reload) as (_, _, url), connected(url) as client:
        assert (await client.socket.call("sys", {"sys": {"classifier": {"list": ""}}}))["ok"]
        assert (await client.socket.call("sys", RELOAD))["error"]["code"] == "unauthorized"


async def test_new_classifiers_are_sent_to_the_clients_that_receive_sys() -> None:
    async with serving() as (sink, _, url), connected(url) as client:
        await client.until("sys", 1)
        await sink.use_classifiers(("selector", "birds"))  # the same: nothing is sent
        await sink.use_classifiers(("selector",))
        assert (await client.until("sys", 2))[1] == {"sys": {"classifier": {"list": ["selector"]}}}


async def test_paths_are_those_of_the_cascade_that_made_a_batch() -> None:
    batch = Batches().batch(0, pond_0="birds-wren")
    fresh = replace(batch, cascade=CascadeIdentity(("selector",), LabelTree.flat(("birds-wren",)), {}))
    async with serving() as (sink, _, url), connected(url) as client:
        await client.socket.call("subscribe", {"events": ["analysis"]})
        await sink.deliver(batch)
        await sink.deliver(fresh)
        paths = [data["paths"] for data in await client.until("analysis", 2)]
    assert paths == [[["birds", "birds-wren"]], [["birds-wren"]]]


async def test_events_of_a_shadow_are_marked_and_only_for_those_who_subscribe_to_them() -> None:
    batch = Batches().batch(0, pond_0="birds-wren")
    async with serving() as (sink, _, url), connected(url) as client, connected(url) as both:
        await client.socket.call("subscribe", {"events": ["analysis", "detection"]})
        await both.socket.call("subscribe", {"events": ["analysis", "shadow"], "mute_sys": True})
        await sink.deliver_shadow(batch)
        await sink.deliver(batch)
        await both.until("analysis", 2)
        await client.until("detection", 1)
        events = [(name, data["shadow"]) for name, data in both.got if name != "sys"]
        live = [(name, data["shadow"]) for name, data in client.got if name != "sys"]
    assert events == [("analysis", True), ("detection", True), ("analysis", False)]
    assert live == [("analysis", False), ("detection", False)]


async def test_a_subscriber_receives_only_the_events_of_its_subscription() -> None:
    batches = Batches()
    async with serving() as (sink, _, url), connected(url) as client:
        subscription = {
            "events": ["analysis", "detection"],
            "channels": ["pond:*"],
            "classes": ["bird*"],
            "mute_sys": True,
        }
        assert await client.socket.call("subscribe", subscription) == {"ok": True}
        await sink.deliver(batches.batch(0, pond_0="birds-wren", pond_1="frogs", lake_0="birds"))
        await sink.deliver(batches.batch(1, pond_0="birds-wren", pond_1="frogs"))
        await sink.deliver(batches.batch(2, pond_1="frogs"))
        detections = await client.until("detection", 3)
    analyses = client.of("analysis")
    assert [(data["channel"], data["paths"]) for data in analyses] == [("pond:out_0", [["birds", "birds-wren"]])] * 2
    assert analyses[0]["start"] == "2026-05-01T06:30:00Z"
    assert [(data["state"], data["windows"]) for data in detections] == [("start", 1), ("update", 2), ("end", 2)]
    assert {data["node"] for data in [*analyses, *detections]} == {"garden"}
    assert len(client.of("sys")) == 1  # the list of classifiers, before it was muted


async def test_a_call_on_several_channels_goes_to_the_subscribers_of_any_of_them() -> None:
    merger = ChannelMerger(DetectionSettings())
    batch = merger.follow(Batches().batch(0, pond_0="birds", pond_1="birds"))
    async with serving() as (sink, _, url), connected(url) as client, connected(url) as both:
        await client.socket.call("subscribe", {"events": ["detection"], "channels": ["pond:out_1"]})
        await both.socket.call("subscribe", {"events": ["detection"]})
        await sink.deliver(batch)
        (event,) = await client.until("detection", 1)
        await both.until("detection", 1)
        await sink.deliver(Batches().batch(1, pond_0="unknown"))
        await both.until("sys", 3)
        assert both.of("detection") == [event]
    assert event["channels"] == ["pond:out_0", "pond:out_1"]
    assert event["levels_dbfs"] == {"pond:out_0": -20.0, "pond:out_1": -20.0}
    assert event["arrivals_ms"] == {"pond:out_0": 0.0}


async def test_a_later_subscription_replaces_the_earlier() -> None:
    async with serving() as (sink, _, url), connected(url) as client:
        await client.socket.call("subscribe", {"events": ["analysis"], "mute_sys": True})
        await client.socket.call("subscribe", {"events": ["detection"]})
        await sink.deliver(Batches().batch(0, pond_0="birds"))
        await client.until("detection", 1)
        await client.until("sys", 2)
        assert client.of("analysis") == []


async def test_clients_with_the_same_subscription_get_each_event_once() -> None:
    batches = Batches()
    async with serving() as (sink, _, url), connected(url) as client, connected(url) as other:
        for one in (client, other):
            await one.socket.call("subscribe", {"events": ["analysis"]})
        await sink.deliver(batches.batch(0, pond_0="birds"))
        await sink.deliver(batches.batch(1, pond_0="birds"))
        for one in (client, other):
            await one.until("sys", 3)
            starts = [data["start"] for data in await one.until("analysis", 2)]
            assert starts == ["2026-05-01T06:30:00Z", "2026-05-01T06:30:01Z"]


async def test_a_misspelled_subscription_is_refused_with_the_nearest_key() -> None:
    async with serving() as (_, _, url), connected(url) as client:
        answer = await client.socket.call("subscribe", {"chanels": ["*"]})
        assert not answer["ok"]
        assert "'channels'" in answer["error"]["message"]


async def test_health_is_sent_to_its_subscribers() -> None:
    async with serving() as (sink, _, url), connected(url) as client:
        await client.socket.call("subscribe", {"events": ["health"]})
        telling = asyncio.create_task(sink.send_health())
        (health,) = await client.until("health", 1)
        telling.cancel()
        assert health["lag_s"] == HEALTH.lag_s


async def test_a_client_that_does_not_read_loses_messages_and_delays_no_other() -> None:
    async with serving() as (sink, server, url), connected(url) as client, connected(url) as other:
        eio = client.socket.eio
        eio.ws._response.connection.transport.pause_reading()
        loud = Batches().batch(0, **{f"pond_{number}": "birds" for number in range(200)})
        for _ in range(1500):
            await asyncio.wait_for(sink.deliver(loud), 1)
            await asyncio.sleep(0)
            if server.dropped:
                break
        seen = len(other.of("sys"))
        await sink.deliver(loud)
        await other.until("sys", seen + 1)
        assert server.dropped > 0
        eio.ws._response.connection.transport.resume_reading()


@pytest.mark.parametrize(
    "subscription",
    [
        {"classes": ["*"] * 90_000},
        {"classes": ["*a" * 60] * 20},
        {"channels": [f"pond{n}" for n in range(300)]},
        {"channels": ["x" * 200]},
        {"channels": [["pond:*"]]},
        {"channels": [True]},
        {"events": ["analysis"] * 1000},
        {"classes": "\ud800"},
        {f"key{n}": 1 for n in range(200)},
        {"channels": 10**30},
    ],
)
async def test_a_subscription_over_its_bounds_is_refused_as_bad_input(subscription: dict[str, Any]) -> None:
    async with serving() as (_, _, url), connected(url) as client:
        answer = await client.socket.call("subscribe", subscription)
    assert answer["ok"] is False
    assert answer["error"]["code"] == "request"
    assert len(answer["error"]["message"]) < 700


async def test_many_subscriptions_do_not_hold_the_loop() -> None:
    """A subscription of many globs stalled the analyzer for seconds at each window."""
    async with serving() as (sink, _, url), connected(url) as client, connected(url) as friend:
        patterns = [f"*{n:03}?*[a-z]*x*y*z*" for n in range(45)]
        assert (await client.socket.call("subscribe", {"channels": patterns, "classes": patterns}))["ok"]
        assert (await friend.socket.call("subscribe", {"events": ["analysis"]}))["ok"]
        channels = {f"pond{number}_0": "birds-wren" for number in range(64)}
        start = time.process_time()
        for number in range(3):
            await sink.deliver(Batches().batch(number, **channels))
        assert time.process_time() - start < 2
        await friend.until("analysis", 3 * 64)


def test_a_subscription_without_clients_is_forgotten() -> None:
    subscriptions = Subscriptions()
    first, second = Subscribe(channels=("pond:*",)), Subscribe(channels=("lake:*",))
    assert subscriptions.put("a", first)[0] is None
    shared = subscriptions.put("b", first)[1]
    assert subscriptions.put("a", second)[0] == shared
    assert subscriptions.rooms("analysis", "pond:out_0", ("birds",)) == [shared]
    assert subscriptions.drop("b") == shared
    assert subscriptions.rooms("analysis", "pond:out_0", ("birds",)) == []


async def test_results_are_composed_only_if_somebody_receives_them() -> None:
    async with serving() as (_, server, url):
        assert not server.has_clients("sys")
        async with connected(url):
            assert server.has_clients("sys")
