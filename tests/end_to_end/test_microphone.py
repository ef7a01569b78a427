"""A node that listens to its sound card: present, missing, and what was heard of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.eventually import eventually
from tests.support.node import Node, running_node
from tidzam.paths import PROFILES

pytestmark = pytest.mark.timeout(150)


def microphone_profile(**jack: Any) -> dict[str, Any]:
    """The sections of the ready profile, with other settings of JACK."""
    profile: dict[str, Any] = yaml.safe_load((PROFILES / "microphone.yaml").read_text(encoding="utf-8"))
    return {**profile, "jack": {**profile["jack"], **jack}}


def heard(node: Node) -> dict[str, Any]:
    """What `tidzam sources heard` says of the microphone."""
    channels = json.loads(node.run("sources", "heard", "--json").stdout)["channels"]
    return next(dict(channel) for channel in channels if channel["channel"] == "microphone:out_0")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The dummy driver takes the place of the sound card."""
    profile = microphone_profile(driver="dummy", device=None, capture_channels=1)
    folder = tmp_path_factory.mktemp("microphone")
    with running_node(folder, **profile, stream_manager={"silent_after_s": 600}) as node:
        yield node


def test_a_microphone_is_a_source(node: Node) -> None:
    assert "microphone:out_0" in node.started.stdout
    listed = node.run("sources")
    assert listed.returncode == 0
    assert "playing" in listed.stdout


def test_its_port_is_listed_with_the_devices(node: Node) -> None:
    assert "system:capture_1" in node.run("sources", "devices").stdout


def test_it_has_a_history(node: Node) -> None:
    assert "started" in node.run("sources", "history", "microphone").stdout


def test_its_signal_is_listed(node: Node) -> None:
    (signal,) = json.loads(node.run("sources", "signals", "--json").stdout)["signals"]
    assert signal["port"] == "microphone:out_0"


def test_a_source_is_loaded_and_unloaded_by_commands(node: Node) -> None:
    loaded = node.run("sources", "load", "echo", f"{node.url('icecast')}/microphone-out_0.ogg")
    assert loaded.returncode == 0, loaded.stderr
    assert "playing" in loaded.stdout
    assert node.run("sources", "unload", "echo").returncode == 0
    refused = node.run("sources", "unload", "echo")
    assert refused.returncode == 1
    assert "There is no source named 'echo'." in refused.stderr


def test_what_a_kill_costs_is_in_the_ledger_and_what_a_stop_costs_is_not(node: Node) -> None:
    node.kill(node.pid("stream_manager"))
    eventually(node.is_well, within_s=60)
    eventually(lambda: heard(node)["missing_s"].get("node_down", 0) > 0, within_s=30)
    found = heard(node)
    assert 0 < found["heard_s"] < found["loaded_s"]
    assert found["heard_s"] + sum(found["missing_s"].values()) == pytest.approx(found["loaded_s"])
    node.stop()
    loaded_s = heard(node)["loaded_s"]
    assert heard(node)["loaded_s"] == loaded_s, "nothing is expected of a node that was stopped"


def test_a_missing_microphone_is_named_and_the_rest_of_the_node_runs(tmp_path: Path) -> None:
    node = Node(tmp_path, **microphone_profile(device="hw:NoSuchCard"))
    started = node.start()
    assert started.returncode == 3, started.stdout + started.stderr
    assert "The ALSA device hw:NoSuchCard does not exist." in started.stdout
    assert "tidzam sources devices" in started.stdout
    status = node.status()
    assert "hw:NoSuchCard" in status["sound_card"]
    assert node.run("check").returncode == 2
