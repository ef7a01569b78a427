"""Other classifiers take over in a running node: without a gap, refused if broken, tried as a shadow, taken back."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import write_tone_bundle
from tests.support.clients import connected_to
from tests.support.eventually import eventually, eventually_async
from tests.support.node import Node, running_node

pytestmark = pytest.mark.timeout(120)

HOP_S = 0.25


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A selector of a tone of 440 Hz."""
    folder = tmp_path_factory.mktemp("bundles") / "nn"
    write_tone_bundle(folder, "selector", {"low": (440.0,)})
    return folder


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, nn: Path) -> Iterator[Node]:
    """A node that listens to that tone, four windows per second. It does not watch its bundles."""
    analyzer = {"nn": str(nn), "overlap": 1 - HOP_S, "reload": {"watch": False}}
    sources = [{"name": "shed", "tone": {"frequency_hz": 440}, "outputs": []}]
    with running_node(tmp_path_factory.mktemp("reload"), sources, analyzer=analyzer) as running:
        yield running


def health(node: Node) -> dict[str, Any]:
    return dict(node.health("analyzer")["detail"])


def replace_selector(nn: Path, *classes: str) -> None:
    """Another selector, which hears the tone as each of some classes."""
    shutil.rmtree(nn / "selector")
    write_tone_bundle(nn, "selector", dict.fromkeys(classes, (440.0,)))


async def test_classifiers_that_take_over_on_sighup_leave_no_window_out_and_repeat_none(node: Node, nn: Path) -> None:
    starts: list[datetime] = []
    classes: list[set[str]] = []

    def keep(event: dict[str, Any]) -> None:
        starts.append(datetime.fromisoformat(event["start"]))
        classes.append(set(event["predictions"]))

    def heard(name: str) -> bool:
        return name in classes[-1]

    pid = node.pid("analyzer")
    async with connected_to(node.url("analyzer")) as client:
        client.on("analysis", keep)
        await client.call("subscribe", {"events": ["analysis"], "mute_sys": True})
        await eventually_async(lambda: len(starts) > 4)
        for number in range(3):
            replace_selector(nn, "low", name := f"low{number}")
            os.kill(pid, signal.SIGHUP)
            await eventually_async(partial(heard, name))
        seen = len(starts)
        await eventually_async(lambda: len(starts) > seen + 2)
    assert {round((after - before).total_seconds(), 2) for before, after in pairwise(starts)} == {HOP_S}
    assert node.pid("analyzer") == pid
    assert health(node)["dropped_windows"] == 0
    assert health(node)["reload"]["count"] == 3


async def test_a_broken_bundle_is_refused_with_the_reason_and_the_old_one_continues(node: Node, nn: Path) -> None:
    network = nn / "selector" / "model.onnx"
    good, before = network.read_bytes(), health(node)["bundles"]
    network.write_bytes(good[:100])
    try:
        async with connected_to(node.url("analyzer")) as client:
            answer = await client.call("sys", {"sys": {"classifier": {"reload": ""}}}, timeout=60)
        assert answer["error"]["code"] == "bundle_checksum"
        body = node.health("analyzer")
        assert body["ok"]
        assert body["detail"]["bundles"] == before
        assert any("refused, and the old ones continue" in reason for reason in body["reasons"])
    finally:
        network.write_bytes(good)
    assert "the classifiers are unchanged" in node.run("models", "reload").stderr


def test_a_shadow_is_compared_takes_over_and_is_taken_back(node: Node, tmp_path: Path) -> None:
    before = health(node)["bundles"]
    write_tone_bundle(tmp_path / "other", "selector", {"low": (440.0,), "wren": (3000.0,)})
    started = node.run("models", "shadow", "--nn", str(tmp_path / "other"))
    assert started.returncode == 0, started.stderr
    eventually(lambda: health(node)["shadow"]["compared"] >= 4)
    shadow = health(node)["shadow"]
    assert {one["label"]: one["shadow_only"] for one in shadow["classes"]}["low"] == 0
    assert "windows compared" in node.run("models", "shadow").stdout
    promoted = node.run("models", "promote")
    assert "have taken over: selector" in promoted.stderr
    assert health(node)["shadow"] is None
    assert health(node)["reload"]["previous"] == before
    back = node.run("models", "rollback")
    assert "before the promotion have taken over: selector" in back.stderr
    assert health(node)["bundles"] == before
