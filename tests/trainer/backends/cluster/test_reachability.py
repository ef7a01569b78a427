"""Whether the processes of a cluster accept connections."""

from __future__ import annotations

import math
import socket
import threading
import time

import pytest

from tests.support.ports import free_port
from tidzam.errors import ClusterError
from trainer.backends.cluster.reachability import REACHABLE_WITHIN_S, wait_until_reachable
from trainer.topology import Member


def test_processes_that_do_not_answer_are_named_with_the_reason() -> None:
    closed = Member("worker", 1, f"127.0.0.1:{free_port()}")
    unknown = Member("ps", 0, "nowhere.invalid:2222")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reachable = Member("worker", 0, f"127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(ClusterError) as refused:
            wait_until_reachable([reachable, closed, unknown], within_s=0.5)
    assert str(closed) in refused.value.message
    assert "connection refused" in refused.value.message
    assert f"{unknown}: unknown host name" in refused.value.message
    assert reachable.address not in refused.value.message
    assert REACHABLE_WITHIN_S == 30


def test_a_process_that_is_still_starting_is_waited_for() -> None:
    port = free_port()
    listeners: list[socket.socket] = []
    late = threading.Timer(0.5, lambda: listeners.append(socket.create_server(("127.0.0.1", port))))
    began = time.monotonic()
    late.start()
    wait_until_reachable([Member("ps", 0, f"127.0.0.1:{port}")], within_s=10)
    assert 0.3 < time.monotonic() - began < 5
    listeners[0].close()


def test_the_reason_is_looked_for_while_waiting() -> None:
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
    assert asked[-1] == math.inf, "at the end, a reason of any age is accepted"
