"""The sink that forwards to another node: both ends, and a bad link between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.batches import Batches
from tests.support.eventually import eventually_async
from tests.support.forwarding import Hub, forward_sink, hub
from tests.support.link_proxy import link_proxy
from tidzam.errors import TidzamError


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Hub]:
    with hub(tmp_path / "hub") as found:
        yield found


async def test_detections_arrive_under_the_name_of_their_node(receiver: Hub, tmp_path: Path) -> None:
    sink, source = forward_sink(receiver.url, receiver.token, tmp_path / "edge"), Batches()
    await sink.open()
    for analyzed in (source.batch(0, pond_0="birds-wren"), source.batch(1, pond_0="frogs"), source.last()):
        await sink.deliver(analyzed)
    await sink.close()
    assert receiver.detections() == [("garden", "pond", 1, False, None), ("garden", "pond", 1, False, None)]


async def test_what_was_heard_while_the_link_was_down_arrives_once_and_in_order(receiver: Hub, tmp_path: Path) -> None:
    source = Batches()
    async with link_proxy(receiver.url, is_down=True) as link:
        sink = forward_sink(link.url, receiver.token, tmp_path / "edge")
        await sink.open()
        for number in range(6):
            await sink.deliver(source.batch(number, pond_0="birds-wren" if number % 2 else "frogs"))
        await sink.deliver(source.last())
        await eventually_async(lambda: sink.fault, what="the fault is reported")
        with pytest.raises(TidzamError, match="does not accept results"):
            await sink.close()
        assert receiver.detections() == []
        link.is_down, link.cuts, link.loses_answers = False, [400, 100], 3
        again = forward_sink(link.url, receiver.token, tmp_path / "edge")
        await again.open()
        await eventually_async(lambda: len(receiver.detections()) == 6, what="all arrive")
        await again.close()
    found = receiver.detections()
    assert [(node, is_open) for node, _, _, is_open, _ in found] == [("garden", False)] * 6
