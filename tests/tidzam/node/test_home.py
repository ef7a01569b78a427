"""A node's folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tidzam.errors import NodeError
from tidzam.node.home import Home


def test_one_command_at_a_time_works_on_a_home(tmp_path: Path) -> None:
    home, order, waits = Home(tmp_path / "new"), list[str](), threading.Event()

    def second() -> None:
        with home.locked(lambda _: waits.set()):
            order.append("second")

    with home.locked(lambda _: None):
        other = threading.Thread(target=second)
        other.start()
        assert waits.wait(5)
        order.append("first")
    other.join(5)
    assert order == ["first", "second"]


def test_a_command_that_waits_names_the_other_and_gives_up_in_time(tmp_path: Path) -> None:
    home, output = Home(tmp_path), list[str]()
    with (
        home.locked(lambda _: None),
        pytest.raises(NodeError, match=rf"process {os.getpid()}\)") as refused,
        home.locked(output.append, timeout_s=0.3),
    ):
        pytest.fail("two commands work on one home")
    assert refused.value.code == "locked"
    assert len(output) == 1
    assert f"process {os.getpid()}" in output[0]


def test_a_stopped_node_is_not_wanted_and_stopping_twice_is_fine(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert not home.is_wanted
    home.want(True)
    assert home.is_wanted
    home.want(False)
    home.want(False)
    assert not home.is_wanted
