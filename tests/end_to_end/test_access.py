"""A node that asks for its token: made by the first start, used by the commands, demanded of everybody else."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator

import pytest
import socketio

from tests.support.node import Node, running_node
from tidzam.proxy import open_direct
from tidzam.tokens import read_token

SOURCES = [{"name": "pond", "tone": {}}]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    access = {"listen": "token", "manage": "token"}
    with running_node(tmp_path_factory.mktemp("locked"), SOURCES, access=access) as node:
        yield node


def test_start_says_that_the_token_is_needed_and_where_it_is(node: Node) -> None:
    assert "can be managed only with the token" in node.started.stdout
    assert str(node.home / "token") in node.started.stdout


def test_the_token_is_its_owners_alone_and_the_commands_use_it(node: Node) -> None:
    assert (node.home / "token").stat().st_mode & 0o777 == 0o600
    assert node.run("status").returncode == 0
    seen = node.run("watch", "--seconds", "2")
    assert "pond:out_0" in seen.stdout
    assert node.run("check").returncode == 0


@pytest.mark.parametrize("server", ["stream_manager", "analyzer"])
def test_no_other_client_reads_the_state(node: Node, server: str) -> None:
    url = node.url(server)
    with open_direct(f"{url}/healthz", timeout_s=5) as answer:
        assert json.load(answer) == {"ok": True}
    with pytest.raises(urllib.error.HTTPError) as caught:
        open_direct(f"{url}/metrics", timeout_s=5)
    assert caught.value.code == 401


async def test_sources_are_loaded_with_the_token_alone(node: Node) -> None:
    url = node.url("stream_manager")
    stranger = socketio.AsyncClient(reconnection=False)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await stranger.connect(url)
    await stranger.disconnect()
    friend = socketio.AsyncClient(reconnection=False)
    await friend.connect(url, auth={"token": read_token(node.home / "token")})
    answer = await friend.call("sys", {"unloadsource": {"name": "nothing"}}, timeout=20)
    assert answer["error"]["code"] != "unauthorized"
    assert (await friend.call("sys", {"sources": ""}, timeout=20))["ok"]
    await friend.disconnect()


def test_the_analyzer_learns_of_sources_with_the_token(node: Node) -> None:
    log = (node.home / "logs" / "stream_manager.log").read_text()
    assert "it refused" not in log


def test_a_token_that_others_can_read_is_reported_before_a_restart_stops_anything(node: Node) -> None:
    token = node.home / "token"
    token.chmod(0o644)
    try:
        restarted = node.run("restart")
        assert restarted.returncode == 1
        assert "0644, expected 0600" in restarted.stderr
        assert node.status()["running"]
    finally:
        token.chmod(0o600)
