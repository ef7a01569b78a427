"""The sink that forwards to another node: both ends, and a bad link between them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from analyzer.sinks.example import LABEL, send_example, sink_for_example
from analyzer.sinks.forward import ForwardSink
from console.services.forwarding.uploads import Upload
from tests.support.batches import Batches
from tests.support.eventually import eventually_async
from tests.support.forward_sink import forward_sink, heard, write_noise
from tests.support.forwarding import Hub, hub, node_token
from tests.support.link_proxy import link_proxy
from tidzam.config import Settings
from tidzam.errors import RequestError, TidzamError
from tidzam.store.tables.models import ClassRow

NAME = "birds-wren/pond-out_0_2026-05-01-06-30-00.000.flac"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with hub(tmp_path_factory.mktemp("hub"), forwarded={"clip_mb": 0.5, "gigabytes": 0.004}) as found:
        yield found


@pytest.fixture
def receiver(shared: Hub, request: pytest.FixtureRequest) -> Hub:
    """The receiving node, and a sending one of its own."""
    return shared.other(f"node-{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}")


def sink_to(receiver: Hub, folder: Path, *, url: str | None = None, **settings: Any) -> ForwardSink:
    """The sink of the sending node, whose home and clips are in `folder`."""
    home, clips = folder / "edge", folder / "clips"
    return forward_sink(url or receiver.url, receiver.token, home, clips=clips, node=receiver.node, **settings)


async def test_detections_arrive_under_the_name_of_their_node(receiver: Hub, tmp_path: Path) -> None:
    sink, source = sink_to(receiver, tmp_path), Batches(receiver.node)
    await sink.open()
    for analyzed in (source.batch(0, pond_0="birds-wren"), source.batch(1, pond_0="frogs"), source.last()):
        await sink.deliver(analyzed)
    await sink.close()
    assert receiver.detections() == [("pond", 1, False, None)] * 2


async def test_what_was_heard_while_the_link_was_down_arrives_once_and_in_order(receiver: Hub, tmp_path: Path) -> None:
    source = Batches(receiver.node)
    async with link_proxy(receiver.url, is_down=True) as link:
        sink = sink_to(receiver, tmp_path, url=link.url)
        await sink.open()
        for number in range(6):
            await sink.deliver(source.batch(number, pond_0="birds-wren" if number % 2 else "frogs"))
        await sink.deliver(source.last())
        await eventually_async(lambda: sink.fault, what="the fault is reported")
        with pytest.raises(TidzamError, match="does not accept results"):
            await sink.close()
        assert receiver.detections() == []
        link.is_down, link.cuts, link.loses_answers = False, [400, 100], 3
        again = sink_to(receiver, tmp_path, url=link.url)
        await again.open()
        await eventually_async(lambda: len(receiver.detections()) == 6, what="all arrive")
        await again.close()
    assert receiver.detections() == [("pond", 1, False, None)] * 6


async def test_a_clip_arrives_after_its_record_and_is_heard_in_the_console(receiver: Hub, tmp_path: Path) -> None:
    content = write_noise(tmp_path / "clips", NAME, 50_000)
    sink = sink_to(receiver, tmp_path)
    await sink.open()
    await sink.deliver(heard(7200, node=receiver.node, clip=NAME))
    await eventually_async(lambda: receiver.clips() == {NAME: content}, what="the clip arrives")
    await sink.close()
    assert receiver.detections() == [("pond", 1, False, f"{receiver.node}/{NAME}")]
    client = receiver.console.logged_in("viewer", base=receiver.url)
    (stored,) = (await asyncio.to_thread(client.get, "/api/v1/detections?limit=1")).json()["detections"]
    sound = await asyncio.to_thread(client.get, f"/api/v1/detections/{stored['id']}/sound?format=flac")
    assert sound.content == content


async def test_a_clip_that_is_written_later_is_forwarded_then(receiver: Hub, tmp_path: Path) -> None:
    sink = sink_to(receiver, tmp_path)
    await sink.open()
    await sink.deliver(heard(0, node=receiver.node, clip=NAME))
    await eventually_async(lambda: receiver.detections(), what="the record arrives")
    content = write_noise(tmp_path / "clips", NAME, 1000)
    await sink.deliver(heard(1, node=receiver.node, clip=NAME, probability=0.95))
    await eventually_async(lambda: receiver.clips() == {NAME: content}, what="the clip arrives")
    await sink.close()


async def test_a_clip_goes_on_where_the_connection_was_cut(receiver: Hub, tmp_path: Path) -> None:
    content = write_noise(tmp_path / "clips", NAME, 400_000)
    async with link_proxy(receiver.url, delay_s=0.0005) as link:
        sink = sink_to(receiver, tmp_path, url=link.url)
        link.cuts = [100_000, 50_000, 700, 150_000]
        link.loses_answers = 1
        await sink.open()
        await sink.deliver(heard(0, node=receiver.node, clip=NAME))
        await eventually_async(lambda: receiver.clips() == {NAME: content}, what="the clip arrives")
        await sink.close()
        assert link.connections > 4
        assert len(content) <= link.sent < 1.2 * len(content)


def reserved(receiver: Hub) -> list[Upload]:
    """Uploads of other nodes, begun until there is no room for a clip."""
    begun = list[Upload]()
    for size in (500_000, 50_000, 5_000, 1_000):
        with suppress(RequestError):
            while True:
                begun.append(receiver.console.runtime.uploads.create(Upload.of(f"full-{len(begun)}", NAME, size)))
    return begun


async def test_a_clip_waits_while_the_other_node_has_no_room(receiver: Hub, tmp_path: Path) -> None:
    content, others = write_noise(tmp_path / "clips", NAME, 2000), reserved(receiver)
    sink = sink_to(receiver, tmp_path)
    await sink.open()
    await sink.deliver(heard(0, node=receiver.node, clip=NAME))
    await eventually_async(lambda: "no room for more clips" in (sink.fault or ""), what="the fault is reported")
    with pytest.raises(TidzamError, match="1 clip of the sink forward wait"):
        await sink.close()
    assert (len(receiver.detections()), receiver.clips()) == (1, {})
    for upload in others:
        receiver.console.runtime.uploads.remove(upload)
    again = sink_to(receiver, tmp_path)
    await again.open()
    await eventually_async(lambda: receiver.clips() == {NAME: content}, what="the clip arrives")
    await again.close()


async def test_a_clip_that_is_refused_is_set_aside_and_the_next_one_arrives(receiver: Hub, tmp_path: Path) -> None:
    write_noise(tmp_path / "clips", NAME, 600_000)
    other = NAME.replace("wren", "robin")
    content = write_noise(tmp_path / "clips", other, 900)
    sink = sink_to(receiver, tmp_path)
    await sink.open()
    await sink.deliver(heard(0, node=receiver.node, clip=NAME))
    await sink.deliver(heard(1, node=receiver.node, clip=other, label="frogs"))
    await eventually_async(lambda: receiver.clips() == {other: content}, what="the other clip arrives")
    await sink.close()
    (reason,) = (tmp_path / "edge" / "spool").rglob("rejected/*.json")
    assert "600,000 bytes" in reason.read_text()


async def test_above_the_limit_the_clips_of_a_rare_class_stay(receiver: Hub, tmp_path: Path) -> None:
    names = {f"frogs/pond-out_0_2026-05-01-06-30-0{number}.000.flac": "frogs" for number in range(8)}
    names[NAME] = "birds-wren"
    async with link_proxy(receiver.url, is_down=True) as link:
        sink = sink_to(receiver, tmp_path, url=link.url, max_gb=4e-5)
        await sink.open()
        for number, (name, label) in enumerate(names.items()):
            write_noise(tmp_path / "clips", name, 10_000)
            await sink.deliver(heard(number, node=receiver.node, clip=name, label=label, probability=0.5 + number / 20))
        link.is_down = False
        await eventually_async(lambda: len(receiver.clips()) == 4, what="the clips arrive")
        await sink.close()
    kept = sorted(receiver.clips())
    assert kept == [NAME, *sorted(names)[-3:]]
    assert len(receiver.detections()) == 9


async def test_the_account_of_another_node_may_not_forward(receiver: Hub, tmp_path: Path) -> None:
    sink = forward_sink(receiver.url, node_token(receiver.console, "meadow"), tmp_path / "edge", node=receiver.node)
    await sink.open()
    await sink.deliver(heard(0, node=receiver.node))
    await eventually_async(lambda: sink.fault, what="the fault is reported")
    with pytest.raises(TidzamError, match="meadow may not forward what the node node-"):
        await sink.close()
    assert receiver.detections() == []


async def test_a_token_that_is_not_known_is_named(receiver: Hub, tmp_path: Path) -> None:
    sink = forward_sink(receiver.url, "wrong", tmp_path / "edge", node=receiver.node)
    await sink.open()
    await eventually_async(lambda: "it refuses the token" in (sink.fault or ""), what="the fault is reported")
    with pytest.raises(TidzamError, match="tidzam users token"):
        await sink.close()


async def test_what_was_heard_under_a_wrong_name_arrives_when_the_name_is_right(receiver: Hub, tmp_path: Path) -> None:
    content = write_noise(tmp_path / "clips", NAME, 1000)
    sink = forward_sink(receiver.url, receiver.token, tmp_path / "edge", clips=tmp_path / "clips", node="other")
    await sink.open()
    await sink.deliver(heard(0, node="other", clip=NAME))
    await eventually_async(lambda: "may not forward" in (sink.fault or ""), what="the fault is reported")
    with pytest.raises(TidzamError):
        await sink.close()
    again = sink_to(receiver, tmp_path)
    await again.open()
    await again.deliver(heard(60, node=receiver.node))
    await eventually_async(lambda: receiver.clips() == {NAME: content}, what="the clip arrives")
    await again.close()
    assert receiver.detections() == [
        ("pond", 1, False, f"{receiver.node}/{NAME}"),
        ("pond", 1, False, None),
    ]


async def test_of_an_example_the_other_node_keeps_nothing(receiver: Hub, tmp_path: Path) -> None:
    sink = {"type": "forward", "url": receiver.url, "token": receiver.token}
    content = {"home": tmp_path, "node": {"name": receiver.node}, "analyzer": {"sinks": [sink]}}
    sent = list[str]()
    named = sink_for_example(Settings.model_validate(content), "forward", tmp_path, on_sent=sent.append)
    await send_example(named, datetime.now(UTC))
    assert "forward/records?test=true" in sent[0]
    assert receiver.detections() == []
    with receiver.console.store.read() as session:
        assert session.scalars(select(ClassRow).where(ClassRow.path == LABEL)).all() == []
