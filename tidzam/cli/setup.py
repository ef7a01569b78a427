"""install and test."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Annotated

import typer

from tidzam.cli.options import say
from tidzam.errors import SetupError
from tidzam.node.system_packages import require_programs
from tidzam.paths import checkout

PARTS = ("", "train", "test", "all")
Part = Annotated[str, typer.Argument(help="An optional part to bring along: train, test or all. Checkout only.")]


def install(part: Part = "") -> None:
    """Make what is missing; a Tidzam installed by pip says what to get."""
    if part not in PARTS:
        raise SetupError(f"There is no part {part!r}.", hint=f"There are: {', '.join(filter(None, PARTS))}.")
    require_programs()
    if part and checkout() is None:
        raise SetupError(f"Parts are installed by pip here: pip install 'tidzam[{part}]'.")
    say("everything is there")


REAL_TIME = (
    "tests/end_to_end",
    "tests/stream_manager",
    "tests/analyzer/test_capture.py",
    "tests/analyzer/test_live_runner.py",
    "tests/test_support.py",
    "tests/tidzam/jack",
    "tests/tidzam/node",
)
"""Tests that mostly wait for audio, in real time. All others run beside them, at a lower priority."""


def test(context: typer.Context) -> None:
    """Run every check: ruff, mypy and the tests, end to end ones included. Arguments go to pytest."""
    root = checkout()
    if root is None:
        raise SetupError("The tests come with a checkout.", hint="Clone the project and run bin/tidzam test there.")
    for step in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        _check(_start(root, step))
    if context.args:
        _check(_start(root, ["pytest", *context.args]))
        return
    with tempfile.TemporaryFile() as output:
        others = _start(root, ["pytest", *(f"--ignore={tests}" for tests in REAL_TIME)], nice=10, into=output)
        real_time = _start(root, ["pytest", *REAL_TIME])
        real_time.wait()
        others.wait()
        output.seek(0)
        say(f"the tests that ran beside those:\n{output.read().decode(errors='replace')}")
    _check(real_time)
    _check(others)


def _start(root: Path, step: list[str], *, nice: int = 0, into: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    say(" ".join(step))
    argv = ["nice", f"-n{nice}", sys.executable, "-m", *step]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(argv, cwd=root, env=environment, stdout=into, stderr=into)


def _check(process: subprocess.Popen[bytes]) -> None:
    if process.wait():
        raise typer.Exit(1)
