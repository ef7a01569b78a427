"""Signals that arrive while a program is still being imported."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tidzam.startup_signals import COMMANDS, SERVERS

DURING_IMPORTS = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            {action}

sys.meta_path.insert(0, Finder())
"""
"""A sitecustomize that acts when Python first imports `module`."""
SEND = "os.kill(os.getpid(), signal.{signal})"


def run(
    tmp_path: Path, program: str, *words: str, at: str, action: str, stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    """Run a module by `-m`. `action` is carried out when it imports the module `at`."""
    (tmp_path / "sitecustomize.py").write_text(DURING_IMPORTS.format(module=at, action=action))
    return subprocess.run(
        [sys.executable, "-m", program, *words],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdin=stdin,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("program", [*COMMANDS, *SERVERS])
def test_an_interrupt_during_the_imports_ends_a_program_silently(program: str, tmp_path: Path) -> None:
    done = run(tmp_path, program, "--help", at="typer", action=SEND.format(signal="SIGINT"))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(("program", "last"), [("analyzer", "analyzer.archive.run"), ("tidzam.cli", "tidzam.cli.show")])
def test_an_interrupt_after_the_imports_is_silent_too(program: str, last: str, tmp_path: Path) -> None:
    words = {"analyzer": ("--stream", str(tmp_path)), "tidzam.cli": ("sources", "--home", str(tmp_path))}[program]
    done = run(tmp_path, program, *words, at=last, action=SEND.format(signal="SIGINT"))
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.parametrize("program", SERVERS)
def test_a_hangup_during_the_imports_does_not_end_a_server(program: str, tmp_path: Path) -> None:
    done = run(tmp_path, program, "--help", at="typer", action=SEND.format(signal="SIGHUP"))
    assert done.returncode == 0


@pytest.mark.parametrize("process", ["analyzer.capture", "stream_manager.recorder", "tidzam.jack.feeder"])
def test_a_hangup_does_not_end_a_process_of_a_server(process: str, tmp_path: Path) -> None:
    done = run(tmp_path, process, "--help", at="jack", action=SEND.format(signal="SIGHUP"))
    assert done.returncode >= 0


def test_a_hangup_ends_a_command(tmp_path: Path) -> None:
    done = run(tmp_path, "database_tool", "--help", at="typer", action=SEND.format(signal="SIGHUP"))
    assert done.returncode == -signal.SIGHUP


def test_a_hangup_during_the_imports_ends_an_analysis_of_files(tmp_path: Path) -> None:
    done = run(tmp_path, "analyzer", "--stream", "x.wav", at="typer", action=SEND.format(signal="SIGHUP"))
    assert done.returncode == -signal.SIGHUP


def test_a_terminal_that_is_closed_during_the_imports_ends_a_server(tmp_path: Path) -> None:
    terminal, stdin = pty.openpty()
    close = f"os.close(0); {SEND.format(signal='SIGHUP')}"
    try:
        done = run(tmp_path, "analyzer", "--help", at="typer", action=close, stdin=stdin)
    finally:
        os.close(terminal)
        os.close(stdin)
    assert done.returncode == 128 + signal.SIGHUP


def test_a_server_under_nohup_still_ignores_hangups(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which child processes inherit
    try:
        done = run(tmp_path, "analyzer", "--help", at="typer", action="print(signal.getsignal(signal.SIGHUP))")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert done.stdout.startswith(str(signal.SIG_IGN))


def test_importing_the_packages_leaves_signals_alone() -> None:
    packages = "tidzam, analyzer, stream_manager, trainer, database_tool, console"
    question = f"import signal, {packages}; print(*map(signal.getsignal, (signal.SIGHUP, signal.SIGINT)))"
    done = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True)
    assert done.stdout == f"{signal.SIG_DFL} {signal.default_int_handler}\n"
