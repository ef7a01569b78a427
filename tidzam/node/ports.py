"""Checks that the ports of a node are free, and finds the processes that use them."""

from __future__ import annotations

import errno
import socket
from itertools import combinations

import psutil

from tidzam.addresses import url_host
from tidzam.config import Settings
from tidzam.config.settings import ServerSettings
from tidzam.errors import NodeError
from tidzam.node.programs import servers


def require_free_ports(settings: Settings, *, except_of: frozenset[int] = frozenset()) -> None:
    """Raises NodeError with every address on which the node cannot listen, and the reason.

    Ports that the processes `except_of` use count as free.
    """
    listening = servers(settings)
    reasons = [
        reason for name, server in listening.items() if (reason := _why_not(name, server, except_of)) is not None
    ]
    reasons += [
        f"{first} and {second} have the same port: {listening[first].port}"
        for first, second in combinations(listening, 2)
        if listening[first].port == listening[second].port
    ]
    if reasons:
        raise NodeError(
            f"{'; '.join(reasons)}.",
            hint="End that program, or set other addresses or ports in the profile.",
            code="port_in_use",
        )


def _why_not(name: str, server: ServerSettings, except_of: frozenset[int]) -> str | None:
    error = _listen_error(server.host, server.port)
    if error is None:
        return None
    place = f"{url_host(server.host)}:{server.port} ({name})"
    if error.errno != errno.EADDRINUSE:
        return f"the node cannot listen on {place}: {error.strerror}"
    pid = _holder(server.port)
    if pid in except_of:
        return None
    return f"{place} is in use by {_described(pid)}"


def _listen_error(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error
    return None


def _holder(port: int) -> int | None:
    """The process that listens on `port`, if this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                return connection.pid
    except psutil.Error:
        pass
    return None


def _described(pid: int | None) -> str:
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})" if pid else "another program"
    except psutil.Error:
        return "another program"
