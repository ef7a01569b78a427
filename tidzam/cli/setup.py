"""install and test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from tidzam.cli.options import say
from tidzam.errors import SetupError
from tidzam.node.programs import require_programs
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


def test(context: typer.Context) -> None:
    """Run every check: ruff, mypy and the tests, end to end ones included. Arguments go to pytest."""
    root = checkout()
    if root is None:
        raise SetupError("The tests come with a checkout.", hint="Clone the project and run bin/tidzam test there.")
    steps = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"], ["pytest", *context.args]]
    for step in steps:
        say(" ".join(step))
        _run(root, step)


def _run(root: Path, step: list[str]) -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-m", *step], cwd=root, env=environment, check=False)
    if done.returncode:
        raise typer.Exit(1)
