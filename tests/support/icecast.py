"""A real Icecast server for a test, on a free port."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.support.ports import free_port
from tidzam.config.settings import IcecastSettings
from tidzam.icecast_passwords import ADMIN_PASSWORD_ENV, PASSWORD_ENV
from tidzam.node.icecast import icecast_argv, icecast_config

START_TIMEOUT_S = 10.0
THREADS = 4
"""Of connections, statistics, relays and the directory of stations; users that log in have one more."""
PASSWORD = "test-source-password"
ADMIN_PASSWORD = "test-admin-password"


class IcecastServer:
    """A running icecast2. `kill` is kill -9; `start` brings it back on the same port."""

    def __init__(self, settings: IcecastSettings, home: Path, **options: Any) -> None:
        self.settings = settings
        self._config = home / "icecast.xml"
        self._config.write_text(icecast_config(settings, password=PASSWORD, admin_password=ADMIN_PASSWORD, **options))
        self._log = home / "icecast.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.settings.url

    @property
    def env(self) -> dict[str, str]:
        """The environment that gives the stream manager this server's passwords."""
        return {PASSWORD_ENV: PASSWORD, ADMIN_PASSWORD_ENV: ADMIN_PASSWORD}

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self._log.open("ab") as log:
            # It goes when the test run is killed.
            argv = ["setpriv", "--pdeathsig=KILL", "--", *icecast_argv(self._config)]
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (self._has_started() and self._answers()):
            said = self._log.read_text(encoding="utf-8", errors="replace")
            assert self._process.poll() is None, f"icecast2 ended with {self._process.returncode}: {said}"
            assert time.monotonic() < deadline, f"icecast2 did not answer in {START_TIMEOUT_S:.0f} s: {said}"
            time.sleep(0.05)

    def _has_started(self) -> bool:
        """Whether its four threads wait for work. Icecast 2.4 crashes if it accepts a connection before its thread of
        statistics has run, and it listens long before that."""
        with suppress(psutil.Error):
            threads = [psutil.Process(thread.id) for thread in psutil.Process(self.pid).threads()]
            return len(threads) >= THREADS and all(one.status() == psutil.STATUS_SLEEPING for one in threads)
        return False

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/nothing", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def icecast_server(home: Path, *, host: str = "127.0.0.1", **options: Any) -> Iterator[IcecastServer]:
    """A usable icecast2 that keeps its files under `home`."""
    server = IcecastServer(IcecastSettings(host=host, port=free_port()), home, **options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
