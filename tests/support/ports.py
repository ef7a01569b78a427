"""Free TCP ports on the loopback, which no other test process and no connection takes before they are used."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

_RANGE = range(20000, 30000)
"""Below the ports that Linux gives to outgoing connections (32768 and up, by default)."""
_RESERVATIONS = Path(tempfile.gettempdir()) / f"tidzam-test-ports-{os.geteuid()}"
_descriptor = os.open(_RESERVATIONS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
_given: set[int] = set()


def free_port() -> int:
    """A port that nothing listens on, reserved until this process ends; it is given once."""
    for port in random.sample(_RANGE, len(_RANGE)):
        if port not in _given and _reserve(port) and _is_unused(port):
            _given.add(port)
            return port
    raise RuntimeError(f"all ports from {_RANGE[0]} to {_RANGE[-1]} are in use")


def _reserve(port: int) -> bool:
    """Lock the byte of the port in a file that all test processes share. The kernel unlocks it when this one ends."""
    try:
        fcntl.lockf(_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _is_unused(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
