"""No process of a node is left behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.eventually import eventually
from tidzam.node.cleanup import end_processes, node_processes
from tidzam.node.home import Home
from tidzam.process import NODE_ENV


def test_what_a_process_starts_while_it_ends_is_ended_as_well(tmp_path: Path) -> None:
    home = Home(tmp_path.resolve())
    ready = tmp_path / "ready"
    script = f"trap 'sleep 60 & exit' TERM; touch {ready}; while :; do sleep 0.05; done"
    process = subprocess.Popen(["sh", "-c", script], env={**os.environ, NODE_ENV: str(home.root)})
    eventually(ready.exists, within_s=10)
    assert end_processes(home) >= 2
    process.wait(timeout=10)
    assert node_processes(home) == []
