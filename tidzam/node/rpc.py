"""Calls to supervisord over its Unix socket. Each has a deadline, since supervisord may be suspended."""

from __future__ import annotations

import socket
import time
import xmlrpc.client
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Any

from tidzam.node.home import Home

CALL_TIMEOUT_S = 5.0
FAILURES = (OSError, HTTPException, xmlrpc.client.Error)
"""The exceptions of a call. `xmlrpc.client.Fault` means that supervisord refuses it."""


def call(home: Home, method: str, *arguments: Any, timeout_s: float = CALL_TIMEOUT_S) -> Any:
    """The result of `supervisor.METHOD`. Raises one of `FAILURES`; TimeoutError if there is no answer in time."""
    transport = _Transport(home, timeout_s)
    with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as server:
        return getattr(server.supervisor, method)(*arguments)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, home: Home, timeout_s: float) -> None:
        super().__init__()
        self._home, self._timeout_s = home, timeout_s

    def make_connection(self, host: Any) -> HTTPConnection:
        return _Connection(self._home, self._timeout_s)


class _Connection(HTTPConnection):
    def __init__(self, home: Home, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._home = home
        self._deadline_s = time.monotonic() + timeout_s

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with self._home.supervisor_address() as address:
                self._connect(address)
        except OSError:
            self.sock.close()
            raise

    def _connect(self, address: str) -> None:
        """A Unix socket with a full queue refuses immediately (EAGAIN) where TCP would wait, so retry here."""
        self.sock.settimeout(max(0.01, self._deadline_s - time.monotonic()))
        while True:
            with suppress(BlockingIOError):
                self.sock.connect(address)
                return
            if time.monotonic() > self._deadline_s:
                raise TimeoutError("supervisord accepts no connection")
            time.sleep(0.05)
