"""`python -m tests.run lint` and `python -m tests.run test [--fast | --lowest] [PYTEST ARGUMENTS]`: all checks.

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

from tidzam import terminal

ROOT = Path(__file__).parent.parent
LINT = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["codespell_lib"], ["mypy"])
REAL_TIME = ("-m", "jack or e2e")
"""Tests that wait for audio, in real time. All others run beside them, at a lower priority."""
UNIT = ("-m", "unit")
FAST = ("-m", "unit and not slow")
COVERAGE_REPORT = ROOT / "build" / "coverage.txt"
LOWEST = ROOT / "build" / "lowest"
LOWEST_PYTHON = LOWEST / "bin" / "python"
"""An environment with the lowest versions of the direct dependencies that setup.cfg permits."""

say = partial(terminal.say, program="tidzam")


def main(command: str, arguments: list[str]) -> int:
    """The exit code: 0 if all checks pass, else 1."""
    if not all(_passes(_start(step)) for step in LINT):
        return 1
    if command == "lint":
        return 0
    options = [argument for argument in arguments if argument not in ("--fast", "--lowest")]
    if "--lowest" in arguments:
        return int(not (_install_lowest() and _passes(_start(["pytest", *UNIT, *options], python=LOWEST_PYTHON))))
    if "--fast" in arguments:
        return int(not _passes(_start(["pytest", *FAST, *options])))
    if arguments:
        return int(not _passes(_start(["pytest", *arguments])))
    return int(not _run_all())


def _run_all() -> bool:
    """All tests, those of `REAL_TIME` beside the others, and the coverage of both."""
    COVERAGE_REPORT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryFile() as output:
        others = _start(["coverage", "run", "-m", "pytest", *UNIT], nice=10, into=output)
        real_time = _start(["coverage", "run", "-m", "pytest", "--durations=40", *REAL_TIME])
        passed = [_passes(real_time), _passes(others)]
        output.seek(0)
        say("the tests that ran beside those:")
        sys.stderr.write(output.read().decode(errors="replace"))
    _report_coverage()
    return all(passed)


def _report_coverage() -> None:
    """Print the branch coverage inside the processes of the tests; the lines that lack it go into a file."""
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet"], cwd=ROOT, check=False)
    report = subprocess.run([*coverage, "report"], cwd=ROOT, check=False, capture_output=True, text=True).stdout
    COVERAGE_REPORT.write_text(report, encoding="utf-8")
    total = next((line.split()[-1] for line in report.splitlines() if line.startswith("TOTAL")), "unknown")
    say(f"branch coverage: {total} (lines: {COVERAGE_REPORT.relative_to(ROOT)})")


def _install_lowest() -> bool:
    uv = str(Path(sys.executable).with_name("uv"))
    install = [uv, "pip", "install", "--python", str(LOWEST_PYTHON), "--resolution", "lowest-direct", "--editable"]
    steps = ([uv, "venv", "--allow-existing", str(LOWEST)], [*install, ".[train,test]"])
    say(f"installing the lowest versions of the dependencies into {LOWEST.relative_to(ROOT)}")
    return all(subprocess.run([*step, "--quiet"], cwd=ROOT, check=False).returncode == 0 for step in steps)


def _start(
    step: list[str], *, nice: int = 0, into: IO[bytes] | None = None, python: Path = Path(sys.executable)
) -> subprocess.Popen[bytes]:
    say(" ".join(step))
    argv = ["nice", f"-n{nice}", str(python), "-m", *step]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=into, stderr=into)


def _passes(process: subprocess.Popen[bytes]) -> bool:
    return process.wait() == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
