"""All checks: `python -m tests.run lint`, `python -m tests.run test [--fast|--lowest|--coverage] [PYTEST ARGUMENTS]`.

`bin/tidzam lint` and `bin/tidzam test` set up what is missing and call it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from tests.support.selection import FAST, REAL_TIME, UNIT
from tidzam import terminal

ROOT = Path(__file__).parent.parent
LINT = (
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["codespell_lib"],
    ["mypy"],
    ["tests.check_javascript"],
)
PARTS = 3
"""In how many runs the tests are divided that need not be on time: they wait for other processes now and then."""
TESTS_FAILED = 1
"""The exit code of pytest if tests failed, and not pytest itself."""
NICE = 10
"""What runs beside tests that wait for audio has a lower priority."""
MOST_REPEATED = 6
"""If tests of more modules fail than these, it is not for want of processor time."""
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Threads of libraries for matrices wait in a loop for more work, which takes the processor from other runs."""
CACHES = ROOT / "build" / "pytest"
COVERAGE_REPORT = ROOT / "build" / "coverage.txt"
LOWEST = ROOT / "build" / "lowest"
LOWEST_PYTHON = LOWEST / "bin" / "python"
"""An environment with the lowest versions of the direct dependencies that setup.cfg permits."""

say = partial(terminal.say, program="tidzam")


def main(command: str, arguments: list[str]) -> int:
    """The exit code: 0 if all checks pass, else 1."""
    options = [argument for argument in arguments if argument not in ("--fast", "--lowest")]
    if command == "test" and arguments in ([], ["--coverage"]):
        return int(not _run_all(with_coverage=bool(arguments)))
    if arguments == ["--fast"]:
        return int(not _run_fast())
    if not _lint():
        return 1
    if command == "lint":
        return 0
    if "--lowest" in arguments:
        return int(not (_install_lowest() and _passes(_start(["pytest", *UNIT, *options], python=LOWEST_PYTHON))))
    return int(not _passes(_start(["pytest", *(FAST if "--fast" in arguments else ()), *options])))


def _lint(*, nice: int = 0) -> bool:
    """All checks of `LINT`, at the same time."""
    passed = [_passes(step) for step in [_start(step, nice=nice) for step in LINT]]
    return all(passed)


def _run_fast() -> bool:
    """The tests of `FAST` in two halves and the linters, at the same time."""
    first, second = (["pytest", *FAST, *part] for part in _parts(2))
    with _Beside.start(second) as beside:
        shown = _start(first)
        passed = [_lint(), _passes(shown), beside.shown() == 0]
    return all(passed)


def _run_all(*, with_coverage: bool) -> bool:
    """All checks: the tests of `REAL_TIME` beside the linters and then the other tests."""
    shutil.rmtree(CACHES, ignore_errors=True)
    covered = ("coverage", "run", "-m") if with_coverage else ()

    def tests(name: str, *arguments: str) -> list[str]:
        return [*covered, "pytest", "-o", f"cache_dir={CACHES / name}", *arguments]

    real_time = _start(tests("real-time", "--durations=40", *REAL_TIME))
    if not _lint(nice=NICE):
        real_time.send_signal(signal.SIGINT)
        real_time.wait()
        return False
    units = {f"unit-{number}": part for number, part in enumerate(_parts(PARTS), 1)}
    with ExitStack() as stack:
        others = [
            stack.enter_context(_Beside.start(tests(name, "--durations=25", *UNIT, *part), nice=NICE))
            for name, part in units.items()
        ]
        codes = [real_time.wait(), *(other.shown() for other in others)]
    if with_coverage:
        _report_coverage()
    return not any(codes) or (set(codes) <= {0, TESTS_FAILED} and pass_alone(["real-time", *units]))


def _parts(count: int) -> list[tuple[str, str]]:
    """The arguments of `count` runs that have equally many modules each."""
    return [("--part", f"{number}/{count}") for number in range(1, count + 1)]


def pass_alone(names: list[str]) -> bool:
    """Repeat the tests that failed in these runs, with the machine to themselves. True if there are few and all pass.

    Tests in real time may fail only because others took the processor from them. What fails by itself fails again.
    """
    failed = [test for name in names for test in failed_tests(CACHES / name)]
    if not 0 < len({test.partition("::")[0] for test in failed}) <= MOST_REPEATED:
        return False
    say(f"repeating alone what failed: {' '.join(failed)}")
    passed = _passes(_start(["pytest", "-o", f"cache_dir={CACHES / 'alone'}", *failed]))
    if passed:
        say(f"passed alone, failed beside other tests: {' '.join(failed)}")
    return passed


def failed_tests(cache: Path) -> list[str]:
    """The ids of the tests that failed in the last run with this cache of pytest."""
    path = cache / "v" / "cache" / "lastfailed"
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


@dataclass(frozen=True)
class _Beside:
    """A run in a session of its own, whose output is printed when it has ended."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]

    @classmethod
    @contextmanager
    def start(cls, step: list[str], *, nice: int = 0) -> Iterator[_Beside]:
        with tempfile.TemporaryFile() as output:
            process = _start(step, nice=nice, into=output)
            _give_way(process.pid, nice)
            try:
                yield cls(process, output)
            finally:
                process.send_signal(signal.SIGINT)  # the terminal interrupts its own session only
                process.wait()

    def shown(self) -> int:
        """The exit code, when its output has been printed."""
        code = self.process.wait()
        self.output.seek(0)
        sys.stdout.write(self.output.read().decode(errors="replace"))
        sys.stdout.flush()
        return code


def _report_coverage() -> None:
    """Print the branch coverage inside the processes of the tests; the lines that lack it go into a file."""
    COVERAGE_REPORT.parent.mkdir(exist_ok=True)
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet"], cwd=ROOT, check=False)
    report = subprocess.run([*coverage, "report"], cwd=ROOT, check=False, capture_output=True, text=True).stdout
    COVERAGE_REPORT.write_text(report, encoding="utf-8")
    total = next((line.split()[-1] for line in report.splitlines() if line.startswith("TOTAL")), "unknown")
    say(f"branch coverage: {total} (lines: {COVERAGE_REPORT.relative_to(ROOT)})")


def _install_lowest() -> bool:
    uv = str(Path(sys.executable).with_name("uv"))
    install = [uv, "pip", "install", "--python", str(LOWEST_PYTHON), "--resolution", "lowest-direct", "--editable"]
    steps = ([uv, "venv", "--allow-existing", str(LOWEST)], [*install, ".[train,test,litert,postgresql]"])
    say(f"installing the lowest versions of the dependencies into {LOWEST.relative_to(ROOT)}")
    return all(subprocess.run([*step, "--quiet"], cwd=ROOT, check=False).returncode == 0 for step in steps)


def _start(
    step: list[str], *, nice: int = 0, into: IO[bytes] | None = None, python: Path = Path(sys.executable)
) -> subprocess.Popen[bytes]:
    say(" ".join(step))
    argv = ["nice", f"-n{nice}", str(python), "-m", *step]
    environment = {**os.environ, **ONE_THREAD, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdout=into, stderr=into, start_new_session=into is not None
    )


def _give_way(pid: int, nice: int) -> None:
    """Lower the priority of a session. Linux weighs sessions against one another, and only in one the processes."""
    with suppress(OSError):  # a kernel without automatic groups compares all processes
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))


def _passes(process: subprocess.Popen[bytes]) -> bool:
    return process.wait() == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
