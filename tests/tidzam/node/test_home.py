"""A node's folder."""

from __future__ import annotations

import threading
from pathlib import Path

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
