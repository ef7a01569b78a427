"""The shared memory that is removed after a JACK server has ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.jack import JackServer, jack_server
from tests.support.jack_client import open_client
from tidzam.config import Settings
from tidzam.jack.server_names import SHARED_MEMORY
from tidzam.node.home import Home
from tidzam.node.programs import JACKD, LaunchContext
from tidzam.node.shared_memory import abandoned_segments, clear_shared_memory

KILLED_CLIENT = "import jack, os; jack.Client('killed').activate(); os.kill(os.getpid(), 9)"


def segments() -> set[Path]:
    return set(SHARED_MEMORY.glob(f"jack-{os.geteuid()}-*"))


@pytest.mark.timeout(60)
def test_segments_of_a_killed_server_and_client_go_and_those_of_another_server_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with jack_server() as other:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", other.name)
        client = open_client("lives")
        client.activate()
        used = segments()
        assert used
        assert not used & abandoned_segments(os.geteuid())
        with jack_server() as killed:
            subprocess.run([sys.executable, "-c", KILLED_CLIENT], env={**os.environ, **killed.env}, check=False)
            left = segments() - used
            assert left
            killed.kill()
            clear_shared_memory(killed.name)
            assert not segments() & left
            assert used <= segments()
            assert not list(SHARED_MEMORY.glob(f"*{killed.name}_*"))
        assert client.samplerate == other.rate_hz
        client.deactivate()
        client.close()


@pytest.mark.timeout(60)
def test_jackd_s_shared_memory_is_for_its_user_only(tmp_path: Path) -> None:
    jackd = JACKD.supervised(LaunchContext(Home(tmp_path), Settings()))
    assert jackd.umask == 0o077
    before = os.umask(jackd.umask)
    try:
        with jack_server() as server:
            assert works(server)
            named = [*SHARED_MEMORY.glob(f"jack_*{server.name}_*")]
            assert named
            assert [path.name for path in named if path.stat().st_mode & 0o077] == []
    finally:
        os.umask(before)


def works(server: JackServer) -> bool:
    """Whether a client of this user gets a port there."""
    program = "import jack; c = jack.Client('c'); c.activate(); c.outports.register('o'); print(len(c.get_ports('c:')))"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **server.env}, capture_output=True, text=True, check=False
    )
    return done.stdout.split()[-1:] == ["1"]
