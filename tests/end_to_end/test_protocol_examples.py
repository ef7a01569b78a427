"""The examples of docs/protocol.md, sent to a node's servers and compared with what these answer and send."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from typing import Any

import pytest
import soundfile

from tests.support.clients import connected_to
from tests.support.node import Node, running_node
from tests.support.sound import tone
from tidzam.protocol.examples.analyzer import ANALYZER_EVENTS, ANALYZER_REQUESTS
from tidzam.protocol.examples.base import EventExample, RequestExample
from tidzam.protocol.examples.stream_manager import REFUSED, STREAM_MANAGER_REQUESTS

MAPPINGS = {
    *(
        "predictions",
        "predicitions",
        "remainders",
        "scores",
        "peak_scores",
        "ages_s",
        "levels_dbfs",
        "arrivals_ms",
        "gap_s_by_reason",
    ),
    *("rules", "database_info", "bundles"),
}
"""Keys whose values are objects with varying keys, such as the classes."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("examples")
    shed = {"name": "shed", "tone": {}, "outputs": [], "record": {"path": str(folder / "recordings"), "enabled": False}}
    yard, marsh = ({"name": name, "demo": {"seed": 8, "duration_s": 20}} for name in ("yard", "marsh"))
    (folder / "marsh").mkdir()
    soundfile.write(folder / "marsh" / "marsh-2026-05-01-04-15-00.wav", tone(440, duration_s=60), 44100)
    privacy = {"detector": "class", "classes": ["*"], "threshold": 0.01}  # whatever is heard is speech
    sources: list[dict[str, Any]] = [yard, shed, {**marsh, "path_database": str(folder / "marsh")}]
    with running_node(folder, sources, analyzer={"privacy": privacy}) as node:
        yield node


def shape(value: Any) -> Any:
    """The keys in `value`, to any depth; of a list, those of its first item."""
    match value:
        case dict():
            return {key: "mapping" if key in MAPPINGS else shape(one) for key, one in value.items()}
        case [first, *_]:
            return [shape(first)]
        case _:
            return None


def with_url(request: Any, url: str) -> Any:
    """`request` with the address that it loads replaced."""
    changed = copy.deepcopy(request)
    for command in ("loadsource", "probesource"):
        source = changed.get("sys", {}).get(command, {})
        if "url" in source:
            source["url"] = url
    return changed


async def test_the_stream_manager_acknowledges_its_examples_in_their_order(node: Node) -> None:
    url = f"{node.url('icecast')}/yard-out_0.ogg"
    async with connected_to(node.url("stream_manager")) as client:
        for example in STREAM_MANAGER_REQUESTS:
            answer = await client.call(example.event, with_url(example.request, url), timeout=30)
            assert shape(answer) == shape(example.acknowledgement), f"{example.title}: {answer}"


async def test_a_refusal_is_as_documented(node: Node) -> None:
    async with connected_to(node.url("stream_manager")) as client:
        assert await client.call(REFUSED.event, REFUSED.request, timeout=10) == REFUSED.acknowledgement


@pytest.mark.parametrize("example", ANALYZER_REQUESTS, ids=lambda example: example.title)
async def test_the_analyzer_acknowledges_its_examples(node: Node, example: RequestExample) -> None:
    async with connected_to(node.url("analyzer")) as client:
        answer = await client.call(example.event, example.request, timeout=10)
        assert shape(answer) == shape(example.acknowledgement)


@pytest.mark.parametrize("example", ANALYZER_EVENTS, ids=lambda example: example.event)
async def test_the_analyzer_sends_events_as_documented(node: Node, example: EventExample) -> None:
    async with connected_to(node.url("analyzer")) as client:
        received: asyncio.Queue[Any] = asyncio.Queue()
        client.on(example.event, received.put)
        events = ["analysis", "detection", "speech", "health", "spectrogram"]
        await client.call("subscribe", {"events": events}, timeout=10)
        async with asyncio.timeout(30):
            while isinstance(data := await received.get(), dict) != isinstance(example.data, dict):
                pass  # `sys` also carries the list of classifiers
        assert shape(data) == shape(example.data)
