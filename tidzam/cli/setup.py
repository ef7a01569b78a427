"""install, lint and test."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tidzam.cli.options import say
from tidzam.errors import SetupError
from tidzam.node.system_packages import require_programs
from tidzam.paths import checkout

NAMED = (
    *("litert", "birdnet", "train", "cluster", "parquet", "postgresql", "openid", "search", "mqtt", "notify"),
    *("novelty", "show", "theremin", "bench", "test"),
)
PARTS = ("", *NAMED, "all")
Part = Annotated[str, typer.Argument(help=f"Optional part: {', '.join(NAMED)} or all. Only in a checkout.")]


def install(part: Part = "") -> None:
    """Install what is missing. Without a checkout, report what to install."""
    if part not in PARTS:
        raise SetupError(f"Unknown part {part!r}.", hint=f"The parts are {', '.join(filter(None, PARTS))}.")
    require_programs()
    if part and checkout() is None:
        raise SetupError("Without a checkout, pip installs parts.", hint=f"Run `pip install 'tidzam[{part}]'`.")
    say("everything is installed")


def test(context: typer.Context) -> None:
    """Run the linters, the type checker and all tests, end-to-end tests included.

    --fast runs only quick unit tests, which need neither jackd nor Icecast. --lowest runs all unit tests with the
    lowest versions of the dependencies that setup.cfg permits. --coverage reports the branch coverage of all tests.
    Other arguments are passed to pytest."""
    _run_in_checkout("test", *context.args)


def lint() -> None:
    """Run the linters and the type checker: ruff, codespell, mypy and, with Node, TypeScript."""
    _run_in_checkout("lint")


def _run_in_checkout(*words: str) -> None:
    """Replace this process by tests/run.py, which is only part of a checkout."""
    root = checkout()
    if root is None:
        raise SetupError("The tests are part of a checkout.", hint="Clone the project and use its bin/tidzam.")
    os.chdir(root)
    os.execv(sys.executable, [sys.executable, "-m", "tests.run", *words])
