"""The health of the console, as the node's other programs ask for it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.console import TOKEN, console_under_test


def test_the_health_of_a_node_in_a_home_of_any_name_is_told(tmp_path: Path) -> None:
    home = tmp_path / os.fsdecode(b"not UTF-8 \xff")
    home.mkdir()
    with console_under_test(home) as console:
        answer = console.client().get("/healthz", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json()["ok"]
    assert r"not UTF-8 \xff" in answer.json()["detail"]["store"]
