"""Who is in a cluster, and whether they answer."""

from __future__ import annotations

import math
import socket
import threading
import time

import pytest

from tests.support.ports import free_port
from tidzam.errors import ClusterError, ConfigError
from trainer.cluster import members
from trainer.cluster.members import Member, parse_cluster, wait_until_reachable


def test_the_original_command_line_says_who_one_is() -> None:
    cluster = parse_cluster(job_type="worker", task_index=1, ps="a:2222", workers="b:2222, c:2222")
    assert cluster.me == Member("worker", 1, "c:2222") and not cluster.coordinates
    assert [member.address for member in cluster.others] == ["a:2222", "b:2222"]
    assert cluster.me.device == "/job:worker/replica:0/task:1/device:CPU:0"
    assert parse_cluster(job_type="worker", task_index=0, ps="a:1", workers="b:1").coordinates


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ps": ""}, "--ps names no address"),
        ({"workers": ""}, "--workers names no address"),
        ({"workers": "b:2222,c"}, "c is not host:port"),
        ({"ps": "a:70000"}, "a:70000 is not host:port"),
        ({"workers": "a:2222"}, "a:2222 is named twice"),
        ({"task_index": 2}, "--task-index 2 is none of 0…1"),
        ({"task_index": -1}, "--task-index -1"),
        ({"job_type": "chief"}, "not 'chief'"),
    ],
)
def test_mistakes_are_named(given: dict[str, object], told: str) -> None:
    right = {"job_type": "worker", "task_index": 0, "ps": "a:2222", "workers": "b:2222,c:2222"}
    with pytest.raises(ConfigError, match=told):
        parse_cluster(**{**right, **given})  # type: ignore[arg-type]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match="--ps names no address; c is not host:port"):
        parse_cluster(job_type="worker", task_index=0, ps="", workers="b:2222,c")


def test_those_that_are_silent_are_named_with_the_reason() -> None:
    closed = Member("worker", 1, f"127.0.0.1:{free_port()}")
    unknown = Member("ps", 0, "nowhere.invalid:2222")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        there = Member("worker", 0, f"127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(ClusterError) as refused:
            wait_until_reachable([there, closed, unknown], within_s=0.5)
    assert str(closed) in refused.value.message and "connection refused" in refused.value.message
    assert f"{unknown}: no machine has that name" in refused.value.message
    assert there.address not in refused.value.message
    assert members.REACHABLE_WITHIN_S == 30


def test_one_that_is_still_starting_is_waited_for() -> None:
    port = free_port()
    listeners: list[socket.socket] = []
    late = threading.Timer(0.5, lambda: listeners.append(socket.create_server(("127.0.0.1", port))))
    began = time.monotonic()
    late.start()
    wait_until_reachable([Member("ps", 0, f"127.0.0.1:{port}")], within_s=10)
    assert 0.3 < time.monotonic() - began < 5
    listeners[0].close()


def test_who_is_silent_is_asked_about_while_waiting() -> None:
    member = Member("worker", 1, f"127.0.0.1:{free_port()}")
    asked: list[float] = []

    def look(silent: Member, waited_s: float) -> None:
        assert silent == member
        asked.append(waited_s)
        if len(asked) > 1:
            raise ClusterError("it ended")

    with pytest.raises(ClusterError, match="it ended"):
        wait_until_reachable([member], within_s=30, look=look)
    assert asked[0] < asked[1] < 30
    with pytest.raises(ClusterError, match="connection refused"):
        wait_until_reachable([member], within_s=0, look=lambda silent, waited_s: asked.append(waited_s))
    assert asked[-1] == math.inf, "in the end, a reason of any age will do"
