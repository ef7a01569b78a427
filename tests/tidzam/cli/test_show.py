"""What `tidzam` prints about a node."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from tests.support.names import ODD_NAMES
from tidzam.cli.show import print_status
from tidzam.node.status import NodeStatus, ServerHealth


def stopped(home: Path) -> NodeStatus:
    away = ServerHealth(None, (), {})
    return NodeStatus(home, False, (), away, (), away, None, False, 1000.0, {})


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_printed_command_can_be_pasted_whatever_the_home_is_called(name: str, tmp_path: Path) -> None:
    home = tmp_path / name
    console = Console(file=io.StringIO(), width=40)
    print_status(console, stopped(home), ())
    assert isinstance(console.file, io.StringIO)
    _, _, hint = console.file.getvalue().rpartition("Start it: ")
    assert hint.strip("\n").isprintable()
    _, start, arguments = hint.partition("tidzam start ")
    printed = subprocess.run(["bash", "-c", f"printf '%s\\0' {arguments}"], stdout=subprocess.PIPE, check=True).stdout
    assert (start, printed.split(b"\0")[:2]) == ("tidzam start ", [b"--home", os.fsencode(home)])
