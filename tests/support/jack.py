"""A real JACK server for a test, with a unique name, independent of other servers on the machine."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.guard import clear_jack, server_prefix
from tidzam.config.settings import JackSettings
from tidzam.jack.environment import jack_env
from tidzam.jack.server_names import SHARED_MEMORY, is_listening
from tidzam.node.jackd import SERVER_ENV, jackd_argv

START_TIMEOUT_S = 10.0
_count = itertools.count()
is_allowed = True
"""Whether the running test may start jackd. tests/conftest.py sets it."""


class JackServer:
    """A running jackd. `kill` is kill -9; `start` brings it back under the same name."""

    def __init__(self, settings: JackSettings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.settings.server

    @property
    def rate_hz(self) -> int:
        return self.settings.rate_hz

    @property
    def env(self) -> dict[str, str]:
        """What a client's environment needs to find this server."""
        return dict(jack_env(self.name))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        assert is_allowed, "A unit test starts jackd: mark it jack, or list its module in tests/conftest.py."
        self._process = subprocess.Popen(
            # It ends when the test run is killed: JACK allows 8 servers, and a killed one still counts.
            ["setpriv", "--pdeathsig=TERM", "--", *_before_others(), *jackd_argv(self.settings)],
            env={**os.environ, **self.env, **SERVER_ENV},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            assert self._process.poll() is None, f"jackd {self.name} ended with {self._process.returncode}"
            assert time.monotonic() < deadline, f"jackd {self.name} did not answer in {START_TIMEOUT_S:.0f} s"
            time.sleep(0.05)

    def _answers(self) -> bool:
        """Whether it listens for clients. Asked without libjack, which remembers in a process that a server was
        killed."""
        return is_listening(SHARED_MEMORY / f"jack_{self.name}_{os.geteuid()}_0")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.send_signal(signal.SIGCONT)  # a test may have stopped it, and TERM would wait
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()

    def clear(self) -> None:
        """End it, and remove what a killed server leaves in shared memory."""
        if self._process is None:
            return
        self.stop()
        if self._process.returncode != 0:
            clear_jack(os.getpid())
        for left in Path("/dev/shm").glob(f"jack_*{self.name}_*"):
            left.unlink(missing_ok=True)


def _before_others() -> list[str]:
    """What runs a command with real-time priority, where that is permitted: a server that waits for other tests skips
    cycles, and its clients lose audio."""
    return ["chrt", "--rr", "1"] if os.geteuid() == 0 else []


def open_ports(server: JackServer, client: str) -> list[str]:
    """The ports of a client, as another process sees them."""
    asks = f"import jack; print(*(p.name for p in jack.Client('asks', no_start_server=True).get_ports('^{client}:')))"
    argv = [sys.executable, "-c", asks]
    asked = subprocess.run(argv, env={**os.environ, **server.env}, capture_output=True, timeout=10, check=True)
    return asked.stdout.decode().split()


@contextmanager
def jack_server(*, rate_hz: int = 44100, period: int = 1024, port_max: int = 512) -> Iterator[JackServer]:
    """A usable jackd on the dummy driver, gone without a trace afterwards."""
    name = f"{server_prefix(os.getpid())}x{next(_count)}"
    server = JackServer(JackSettings(server=name, rate_hz=rate_hz, period=period, port_max=port_max))
    try:
        server.start()
        yield server
    finally:
        server.clear()
