"""`python -m tests.run lint` and `python -m tests.run test [--fast] [PYTEST ARGUMENTS]`: the checks of a checkout.

`bin/tidzam lint` and `bin/tidzam test` set up what is missing and call it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import IO

from tests.conftest import JACK_TESTS
from tidzam import terminal

ROOT = Path(__file__).parent.parent
LINT = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["codespell_lib"], ["mypy"])
REAL_TIME = (
    "tests/end_to_end",
    "tests/stream_manager",
    "tests/tidzam/jack",
    "tests/tidzam/node",
    *(f"tests/{name}" for name in sorted(JACK_TESTS) if not name.startswith(("tidzam/jack", "tidzam/node"))),
)
"""Tests that mostly wait for audio, in real time. All others run beside them, at a lower priority."""

say = partial(terminal.say, program="tidzam")


def main(command: str, arguments: list[str]) -> int:
    """The exit code: 0 if all checks pass, else 1."""
    if not all(_passes(_start(step)) for step in LINT):
        return 1
    if command == "lint":
        return 0
    if "--fast" in arguments:
        others = [argument for argument in arguments if argument != "--fast"]
        return int(not _passes(_start(["pytest", "-m", "unit", *others])))
    if arguments:
        return int(not _passes(_start(["pytest", *arguments])))
    return int(not _run_all())


def _run_all() -> bool:
    """All tests, those of `REAL_TIME` beside the others."""
    with tempfile.TemporaryFile() as output:
        others = _start(["pytest", *(f"--ignore={tests}" for tests in REAL_TIME)], nice=10, into=output)
        real_time = _start(["pytest", *REAL_TIME])
        passed = [_passes(real_time), _passes(others)]
        output.seek(0)
        say("the tests that ran beside those:")
        sys.stderr.write(output.read().decode(errors="replace"))
    return all(passed)


def _start(step: list[str], *, nice: int = 0, into: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    say(" ".join(step))
    argv = ["nice", f"-n{nice}", sys.executable, "-m", *step]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=into, stderr=into)


def _passes(process: subprocess.Popen[bytes]) -> bool:
    return process.wait() == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
