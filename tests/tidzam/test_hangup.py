"""What SIGHUP means to a server."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.eventually import eventually_async
from tidzam import startup_signals
from tidzam.hangup import on_hangup


@pytest.fixture(autouse=True)
def _signals_restored() -> Iterator[None]:
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


async def test_a_hangup_loads_again() -> None:
    calls: list[str] = []
    on_hangup(reload=lambda: calls.append("reload"), end=lambda: calls.append("end"))
    os.kill(os.getpid(), signal.SIGHUP)
    await eventually_async(lambda: calls == ["reload"])
    asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


async def test_a_hangup_during_the_start_is_served_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup_signals._startup, "hangup", True)
    calls: list[str] = []
    for _ in range(2):
        on_hangup(reload=lambda: calls.append("reload"), end=lambda: calls.append("end"))
    assert calls == ["reload"]
    asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


def test_a_hangup_of_a_terminal_that_is_closed_ends_a_server() -> None:
    program = """
import asyncio, os, signal
from tidzam.hangup import on_hangup

async def main():
    end = asyncio.Event()
    on_hangup(reload=lambda: print("reload"), end=end.set)
    os.close(0)
    os.kill(os.getpid(), signal.SIGHUP)
    await end.wait()
    print("end")

asyncio.run(main())
"""
    terminal, stdin = pty.openpty()
    done = subprocess.run([sys.executable, "-c", program], stdin=stdin, capture_output=True, text=True, timeout=60)
    os.close(terminal)
    os.close(stdin)
    assert done.stdout == "end\n"
